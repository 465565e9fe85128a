"""Standing still: commands that are paused, and what a device does when the laboratory is silent."""
import logging
import threading
import time

log = logging.getLogger("athanor.device")

WATCH_S = 0.05  # between two looks at a command that is an orphan


class Hold:
    """The part of a Device that pauses and watches. Methods with an underscore want the lock held, save the _on_ ones."""

    def __init__(self):
        self._turned = threading.Condition(self._lock)  # who is paused has changed
        self._fed, self._orphaned = time.monotonic(), False
        self._writing = 0  # stops and pauses that are in force and not on the disk yet: what a crash would undo is not said

    def _on_hold(self, entry):
        """Whether a command is not to go on now."""
        return entry.paused or entry.held or self._memory.paused and not (entry.action and entry.action.alongside)

    def _turn(self):
        """Makes everybody look again at whether they are paused."""
        for e in self._memory.unended.values():
            if e.context and e.action.pausable:
                e.context.stall(self._on_hold(e))
        self._turned.notify_all()

    def wake_all(self):
        """Makes everybody who stands still look again."""
        with self._turned:
            self._turned.notify_all()

    def stand_still(self, entry, ctx):
        """Waits while a command is paused, and says so."""
        with self._turned:
            while self._on_hold(entry) and not ctx.ending:
                if entry.event["state"] == "running" and not self._writing:
                    self._say(entry, {"state": "paused", "progress": entry.progress})
                    self._changed()
                self._turned.wait(1)
            if entry.event["state"] == "paused" and entry.final is None and not ctx.ending:
                self._say(entry, {"state": "running", "progress": entry.progress})
                self._changed()

    def wait_turn(self, entry, ctx):
        """Waits while a command is paused, and says nothing."""
        with self._turned:
            while self._on_hold(entry) and not ctx.over:
                self._turned.wait(1)

    def _on_pause(self, ctl):
        """Holds a command, or the device. It needs no lease, as stopping does not.

        Standing still comes first, writing it down second, saying so last: who hears that a command is paused relies on it over a crash.
        """
        target, place = ctl.get("target"), 0
        with self._lock:
            e = self._memory.entries.get(target)
            if target is None and not self._memory.paused:
                self._memory.paused = True
                place = self._note(t="pause")
            elif target is not None and e is None:
                log.warning("pause of %s ignored: it is not known", target)
            elif e is not None and (e.ended or e.final is not None or not e.accepted or e.paused or e.started and not e.action.pausable):
                self._repeat(e)  # what it is says whether it is paused
            elif e is not None:
                e.paused = True
                place = self._note(t="pause", id=e.id)
            self._turn()
        if place and self._written(place, "pause"):
            with self._lock:
                if e is not None and e.paused and not e.started and e.final is None:
                    self._say(e, {"state": "paused"})
                self._turn()

    def _note(self, **record):
        """Begins to write down what is in force already. Until _written the device does not say that it is so: a crash would undo it."""
        self._writing += 1
        return self._journal.append(**record)

    def _written(self, place, what):
        """Waits until what was noted is on the disk, without the lock. When the disk fails it is never said, and the state is fault."""
        try:
            self._journal.sync(place)
        except OSError as err:
            log.error("%s not written down: %s", what, err)
            return False
        with self._lock:
            self._writing -= 1
        self._changed()
        return True

    def _on_resume(self, ctl):
        """Lets a command or the device go on. Where something would move by it, it needs the epoch of the lease."""
        target = ctl.get("target")
        with self._lock:
            e = self._memory.entries.get(target)
            moves = e is not None and e.paused or target is None and any(x.accepted for x in self._memory.unended.values())
            paused = self._memory.paused if target is None else e is not None and e.paused
            if not paused or moves and not (self._leased() and ctl.get("epoch") == self._lease_epoch):
                log.info("resume ignored: nothing is paused, or its epoch has no lease")
                if e is not None:
                    self._repeat(e)
                return
            place = self._journal.append(t="resume", **({"id": target} if target else {}))
        try:
            self._journal.sync(place)
        except OSError as err:
            log.error("resume refused: %s", err)
            return
        with self._lock:
            if target is None:
                self._memory.paused = False
            else:
                e.paused = False
                if not e.started and e.final is None and not self._on_hold(e):
                    self._say(e, {"state": "accepted"})
            self._turn()
            self._next()

    def watch(self, entry, ctx):
        """The watchdog of a command: when the laboratory is silent for longer than it bears, does what it says."""
        (rule, after), began = entry.action.orphan, time.monotonic()
        while not ctx.over:
            with self._lock:
                left = max(self._fed, began) + after - time.monotonic()
                if left <= 0 and entry.final is None and not entry.orphaned:
                    log.warning("the laboratory is silent: %s %s", rule, entry.id)
                    entry.orphaned = self._orphaned = True
                    if rule == "stop":
                        ctx.interrupt("orphaned")
                    elif rule == "pause":
                        entry.held = True
                        self._turn()
                    self._changed()
            ctx.wait_over(max(left, WATCH_S))

    def _feed(self):
        """Notes a sign of life of the laboratory. With it, and a lease, the device leaves safe."""
        self._fed = time.monotonic()
        if not self._orphaned or not self._leased():
            return
        self._orphaned = False
        for e in self._memory.unended.values():
            e.orphaned = e.held = False
        self._turn()
        self._next()
        self._changed()

    def _op(self, broken):
        """What the device is at. A stop or a pause that a crash would undo is not said yet."""
        kept = not self._writing
        paused, busy = self._memory.paused and kept, False
        for e in self._memory.unended.values():
            if e.accepted and e.event["state"] == "paused":
                paused = True
            elif e.accepted and (e.started or not self._memory.paused and not self._orphaned):
                busy = True
        if broken or self._critical():
            return "fault"
        if self._memory.stopped and kept:
            return "stopped"
        return "busy" if busy else "paused" if paused else "safe" if self._orphaned else "idle"
