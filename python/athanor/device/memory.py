"""What a device knows: its commands, read from the journal and written to it."""
import collections
import hashlib

from .errors import JournalDamaged
from .wire import Bad, TERMINAL, read_cmd, read_time

KEEP_ENDED = 10_000  # commands
KEEP_AFTER_S = 3600  # beyond a command's expiry
RECENT = 64  # ended commands that a state tells


def digest(payload):
    return hashlib.sha256(payload).hexdigest()


class Entry:
    """A command that the device knows."""

    def __init__(self, ident, total="", cmd=None, text="", action=None):
        self.id, self.sum, self.cmd, self.text, self.action = ident, total, cmd, text, action  # sum "": it was ended before it came
        self.event = {"id": ident, "state": "accepted"}  # the last said of it
        self.final = None  # its end, once that is written down or about to be
        self.expires = read_time(cmd["expires"]) if cmd and "expires" in cmd else None
        self.checkpoint = self.params = self.context = None
        self.refused = False  # so the journal has no begin of it
        self.accepted = self.again = self.started = False
        self.paused = self.held = self.orphaned = False  # by an operation, by the watchdog; it has acted
        self.progress, self.said = 0.0, -1e9

    @property
    def ended(self):
        return self.event["state"] in TERMINAL


class Memory:
    """The commands, the highest epoch, the boot and whether the device is stopped."""

    def __init__(self):
        self.entries = {}  # by id, in the order in which they came
        self.unended = {}  # those that have no end on the disk
        self.boot, self.epoch, self.stopped, self.paused = 0, 0, False, False
        self.supplies, self.slots = {}, {}  # by name
        self._done, self._full = 0, 2 * KEEP_ENDED
        self._recent = collections.deque(maxlen=RECENT)

    def begin(self, entry):
        self.entries[entry.id] = self.unended[entry.id] = entry
        return entry

    def forget(self, entry):
        del self.entries[entry.id], self.unended[entry.id]

    def remember(self, entry, event):
        """Notes an end that is on the disk. A second one, of a doubt that was resolved, takes the place of the first."""
        if not entry.ended:
            self._done += 1
            if len(self._recent) == RECENT and self._recent[0].final.get("blobs"):  # raw data inside it is not kept for ever
                old = self._recent[0]
                old.event = old.final = {**old.final, "blobs": [{k: v for k, v in b.items() if k != "data"} for b in old.final["blobs"]]}
            self._recent.append(entry)
        self.unended.pop(entry.id, None)
        entry.event = entry.final = event
        # What only a running command needs.
        entry.cmd, entry.params, entry.checkpoint, entry.context = None, None, None, None

    def recent(self):
        """The commands that ended last, newest last."""
        return list(self._recent)

    def load(self, records, actions):
        """Replays a journal."""
        for line, r in enumerate(records, 1):
            kind = r["t"]
            if kind == "boot":
                self.boot = max(self.boot, r["n"])
            elif kind == "epoch":
                self.epoch = max(self.epoch, r["n"])
            elif kind in ("stop", "reset"):
                self.stopped = kind == "stop"
            elif kind in ("pause", "resume"):
                if "id" not in r:
                    self.paused = kind == "pause"
                elif r["id"] in self.entries:
                    self.entries[r["id"]].paused = kind == "pause"
            elif kind == "supply":
                mine = self.supplies.get(r["id"])
                if mine and (mine.get("lot"), mine.get("unit")) == (r["v"].get("lot"), r["v"].get("unit")):
                    mine["level"] = r["v"]["level"]
            elif kind == "slot" and r["id"] in self.slots:
                self.slots[r["id"]] = r["v"]
            elif kind == "begin":
                try:
                    cmd = read_cmd(r["c"].encode())
                except Bad as err:
                    raise JournalDamaged(f"record {line}: {err}") from None
                self.begin(Entry(cmd["id"], r["h"], cmd, r["c"], actions.get(cmd["name"])))
            elif kind == "ckpt" and r["id"] in self.entries:
                self.entries[r["id"]].checkpoint = r["v"]
            elif kind == "end":
                entry = self.entries.get(r["id"]) or self.begin(Entry(r["id"], r["h"], text=r.get("c", "")))
                entry.expires = r.get("x")
                self.remember(entry, r["e"])

    def compact(self, journal, now):
        """Forgets the oldest ended commands that cannot come again, and writes the journal anew, when it is worth it."""
        if self._done < self._full and not journal.swollen:
            return
        spare = self._done - KEEP_ENDED
        for entry in [e for e in self.entries.values() if e.ended and e.id not in self.unended]:
            if spare > 0 and (entry.expires is None or now is not None and entry.expires + KEEP_AFTER_S < now):
                del self.entries[entry.id]
                self._done -= 1
            spare -= 1
        self._full = self._done + KEEP_ENDED
        journal.rewrite(self._records())

    def _records(self):
        """The shortest journal that says what the device knows."""
        records = [{"t": "boot", "n": self.boot}, {"t": "epoch", "n": self.epoch}] + [{"t": "stop"}] * self.stopped + [{"t": "pause"}] * self.paused
        records += [{"t": "supply", "id": n, "v": s} for n, s in self.supplies.items()] + [{"t": "slot", "id": n, "v": s} for n, s in self.slots.items()]
        for e in self.entries.values():
            if e.final is not None:
                records.append({"t": "end", "id": e.id, "h": e.sum, "c": e.text, "e": e.final, "x": e.expires})
                continue
            records.append({"t": "begin", "id": e.id, "h": e.sum, "c": e.text})
            if e.checkpoint is not None:
                records.append({"t": "ckpt", "id": e.id, "v": e.checkpoint})
            if e.paused:
                records.append({"t": "pause", "id": e.id})
        return records
