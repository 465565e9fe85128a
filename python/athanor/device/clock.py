"""The laboratory's time, as its beats tell it."""
import collections
import time


class LabClock:
    """Believes, of the last beats, the one that came fastest, which is the one that seems latest.

    It counts from a start of its own, so that a wall clock that jumps does not
    move it.
    """

    def __init__(self, trusted=False):
        self._trusted = trusted
        self._start = time.time() - time.monotonic()
        self._offsets = collections.deque(maxlen=60)  # laboratory minus count, in seconds

    def count(self):
        """The device's own time in seconds since 1970."""
        return self._start + time.monotonic()

    def hear(self, instant):
        self._offsets.append(instant - self.count())

    def now(self):
        """The laboratory's time, or None when it is not known."""
        if self._offsets:
            return self.count() + max(self._offsets)
        return time.time() if self._trusted else None

    def state(self):
        if self._offsets:
            best, least = max(self._offsets), min(self._offsets)
            return {"offset_ms": round(best * 1000, 3), "err_ms": round((best - least) * 1000, 3), "source": "beat"}
        return {"offset_ms": 0, "source": "ntp" if self._trusted else "none"}
