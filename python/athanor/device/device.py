"""A device: its commands, and how it serves them."""
import logging
import signal
import threading
import time

from .clock import LabClock
from .blobs import Spool, attach
from .control import Control, ID_REUSED
from .errors import Misuse, Refusal
from .journal import Journal
from .link import Broker, Link
from .memory import Entry, Memory, digest
from .run import Context, PROGRESS_EVERY_S, clocked, verdict
from .specs import Action
from .wire import Bad, clean, dump, read_beat, read_cmd, read_ctl, read_stop, valid_id, write_time

log = logging.getLogger("athanor.device")

WAITING = 16  # commands that may wait for those that they come after


class Device(Control):
    """A device in the making: commands are registered, then `run` serves them.

    journal: the file that the device's memory is in, "<id>.journal" unless said,
    on a disk that keeps what it was told to keep. heartbeat_s: between two
    states while leased, six times that while not. parallel: commands at a time.
    trust_clock: that the machine's clock is kept right by NTP or PTP; otherwise
    the laboratory's beat tells the time.
    """

    def __init__(self, id, kind="Device", title="", capabilities=(), lab="lab", cell="main", journal=None, heartbeat_s=5.0, parallel=1,
                 simulated=False, trust_clock=False):
        for what, name in (("id", id), ("kind", kind), ("lab", lab), ("cell", cell), *(("capability", c) for c in capabilities)):
            if not valid_id(name):
                raise Misuse(f"{what} {name!r} is not letters, digits and ._:- (at most 128)")
        if not 0 < heartbeat_s <= 3600 or parallel < 1:
            raise Misuse(f"heartbeat_s {heartbeat_s} is not above 0 and up to 3600, or parallel {parallel} is below 1")
        self._clock, self._memory = LabClock(trust_clock), Memory()
        super().__init__()
        self.id, self.kind, self.title, self.capabilities, self.lab, self.cell = id, kind, title or id, list(capabilities), lab, cell
        self.journal_path, self.parallel, self.simulated = journal or id + ".journal", parallel, simulated
        self._beat_s = heartbeat_s
        self._actions = {}
        self._mode, self._faults = "remote", []
        self._n, self._running = 0, 0
        self._closing, self._closed = False, threading.Event()

    def command(self, recovery="manual", name=None, orphan=None, typical_s=None, alongside=False, probe=None, example=None, pausable=False,
                calibration=(), needs=None, blobs=(), optional=()):
        """Registers a function as a command; annotations describe its parameters and results, see Q and Text.

        recovery: "repeat", "resume", "probe" or "manual", what to do with a command that the process died at.
        probe: for "probe", a function of the context that returns "done" (or ("done", result)), "undone", "partial" or "unknown".
        orphan: ("finish" | "pause" | "stop", seconds), what happens when no beat of its holder has come for so long.
        pausable: the function may stand still where it sleeps or asks `ctx.hold`. blobs: the names of raw data that it attaches.
        calibration: names that must hold before it begins. needs: {consumable: amount} that must be there; the function takes it by `ctx.use`.
        optional: the names of results that may be missing.
        alongside: the command may run beside others, as a reading may. typical_s: how long it usually takes.
        example: parameters that may be run at any time, to try the device out.
        """
        def register(function):
            a = Action(function, name or function.__name__, recovery, orphan, typical_s, alongside, probe, example, pausable, calibration, needs, blobs, optional)
            if a.name in self._actions:
                raise Misuse(f"command {a.name} is registered twice")
            self._actions[a.name] = a
            return function
        return register

    def run(self, url, tls=None):
        """Serves the device until SIGINT, SIGTERM or `close`, then ends in order.

        Commands under way are treated at the next start as after a crash.
        Without a broker it goes on with what it was doing, and tries again.
        """
        self.start(url, tls)
        if threading.current_thread() is threading.main_thread():
            for s in (signal.SIGINT, signal.SIGTERM):
                signal.signal(s, lambda *_: self._closed.set())
        self._closed.wait()
        self.close()

    def start(self, url, tls=None):
        """Serves the device beside the caller, until `close`."""
        broker = Broker(url, tls)
        self._journal = Journal(self.journal_path)
        self._memory.load(self._journal.records, self._actions)
        self._memory.boot += 1
        self._journal.put(t="boot", n=self._memory.boot)
        # The stop comes first, so that it is known before a command is.
        # The last are the device's own, to put right what is retained in its name.
        filters = (f"ldp/1/{self.lab}/_lab/stop", self._topic("ctl"), self._topic("cmd"), f"ldp/1/{self.lab}/_cell/{self.cell}/beat", self._topic("conn"),
                   self._topic("alarm/+"))
        self._spool = Spool(self.journal_path + ".blobs", self)
        self._link = Link(broker, f"{self.lab}.{self.id}", filters, (self._topic("conn"), self._conn("lost")), self)
        with self._lock:
            self._revive()
        self._spool.revive()
        self._link.start()

    def close(self):
        """Ends the device in order."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            contexts = [e.context for e in self._memory.unended.values() if e.context]
        self._closed.set()
        self._spool.close()
        for c in contexts:
            c.interrupt("shutdown")
        until = time.monotonic() + 10
        for t in self._threads():
            t.join(max(0.0, until - time.monotonic()))
        self._link.close([self.snapshot(), (self._topic("conn"), self._conn("offline"))])
        self._journal.close()

    def set_mode(self, mode):
        """Says who has the device: "remote", or "local" or "service" while a person has it and commands are refused."""
        if mode not in ("remote", "local", "service"):
            raise Misuse(f"mode {mode!r} is not remote, local or service")
        with self._lock:
            self._mode = mode
        self._changed()

    def set_faults(self, *faults):
        """Says what is wrong: {"code": …, "level": "info" | "warning" | "error" | "critical", "text": …}. A critical one refuses commands."""
        for f in faults:
            if not valid_id(f.get("code")) or f.get("level") not in ("info", "warning", "error", "critical"):
                raise Misuse(f"fault {f!r} has no code, or no level of info, warning, error and critical")
        with self._lock:
            self._faults = [{**f, "text": clean(f.get("text", ""))} for f in faults]
        self._changed()

    # What arrives.

    def receive(self, message):
        """Handles a message of the broker; messages come one after the other."""
        if self._closing:
            return
        kind = message.topic.split("/")[4 if "/alarm/" in message.topic else -1]
        try:
            if message.retain and kind in ("cmd", "ctl"):
                log.warning("retained %s ignored: it is never retained", kind)
            elif kind == "cmd":
                self._on_cmd(bytes(message.payload))
            elif kind == "ctl":
                self._on_ctl(read_ctl(message.payload))
            elif kind == "beat":
                self._on_beat(read_beat(message.payload))
            elif kind == "stop":
                self._on_lab_stop(read_stop(message.payload))
            elif kind == "conn":
                self._on_conn(message.payload)
            elif kind == "alarm":
                self._on_alarm(message.topic.rsplit("/", 1)[1], bytes(message.payload))
        except Bad as err:
            log.warning("%s ignored: %s", kind, err)
        except Exception:
            log.exception("%s not handled", kind)

    def _on_cmd(self, payload):
        """Answers a known command, refuses what must not be, and otherwise writes it down before anything moves."""
        cmd, bad = None, None
        try:
            cmd = read_cmd(payload)
        except Bad as err:
            if err.id is None:
                raise
            bad = err
        ident, total = cmd["id"] if cmd else bad.id, digest(payload)
        with self._lock:
            entry = self._memory.entries.get(ident)
            if entry is not None:
                if entry.sum and entry.sum != total:
                    self.raise_alarm(ID_REUSED, "warning", "other bytes came under the id of a command that is known; a sender is wrong", ident)
                    return self._refuse(ident, Refusal("bad_message", "the id is known with other bytes; a new command needs a new id"))
                return self._repeat(entry)
            try:
                if bad:
                    raise Refusal("bad_message", str(bad))
                params = self._check(cmd)
            except Refusal as no:
                if no.curable or no.code == "bad_message":
                    # Not written down: the one may be taken when it comes again, the other is refused again for what it is.
                    return self._refuse(ident, no)
                entry = self._memory.begin(Entry(ident, total, cmd, payload.decode()))
                entry.refused = True
                return self._end_soon(entry, {"state": "rejected", "code": no.code, "error": clean(no), "effect": "none"})
            entry = self._memory.begin(Entry(ident, total, cmd, payload.decode(), self._actions[cmd["name"]]))
            entry.params = params
            place = self._journal.append(t="begin", id=ident, h=total, c=entry.text)
        try:
            self._journal.sync(place)
        except OSError as err:  # nobody can rely on it: as if it had not come
            with self._lock:
                self._memory.forget(entry)
                self._refuse(ident, Refusal("busy", f"the journal cannot be written: {err}"))
            return None
        with self._lock:
            entry.accepted = True
            self._say(entry, {"state": "accepted"})
            self._next()

    def _check(self, cmd):
        """A command's parameters with defaults. Raises Refusal; the first thing that is wrong decides."""
        self._check_authority(cmd)
        action = self._actions.get(cmd["name"])
        if action is None:
            raise Refusal("unknown_command", f"there is no command {cmd['name']!r}; there are {', '.join(sorted(self._actions))}")
        if "expires" not in cmd and action.recovery != "repeat":
            raise Refusal("bad_message", "expires is missing: only a command whose recovery is repeat may leave it out")
        params = action.check(cmd["params"])
        if self._mode != "remote":
            raise Refusal("wrong_mode", f"a person has the device: its mode is {self._mode}")
        if self._memory.stopped:
            raise Refusal("interlock", "the device is stopped until it is reset")
        if self._critical():
            raise Refusal("interlock", "the device has a critical fault")
        if self._journal.broken:
            raise Refusal("busy", "the journal cannot be written")
        self._check_slots(cmd, action, params)
        self._check_supplies(action)
        wait = False
        for before in cmd.get("after", ()):
            e = self._memory.entries.get(before)
            if e is None:
                raise Refusal("dependency_failed", f"command {before}, which must be done first, is not known")
            if e.ended and e.event["state"] != "done":
                raise Refusal("dependency_failed", f"command {before}, which must be done first, is {e.event['state']}")
            wait = wait or not e.ended
        if self._memory.paused and not action.alongside:
            raise Refusal("busy", "the device is paused until it is resumed")
        waiting = sum(e.accepted and not e.started and e.final is None for e in self._memory.unended.values())
        if wait and waiting >= WAITING:
            raise Refusal("busy", f"{waiting} commands wait already")
        if not wait and not action.alongside and self._running + waiting >= self.parallel:
            raise Refusal("busy", "the device is at work")
        return params

    # What runs.

    def _next(self):
        """Starts every command that may begin, and ends those that never will."""
        for e in list(self._memory.unended.values()):
            if e.started or not e.accepted or e.final is not None:
                continue
            ready, failed = self._ready(e)
            now = self._clock.now()
            if failed:
                self._end_soon(e, {"state": "failed", "code": "dependency_failed", "effect": "none", "error": f"command {failed}, which must be done first, is not"})
            elif ready and not e.again and e.cmd.get("after") and e.expires is not None and now is not None and now > e.expires:
                self._end_soon(e, {"state": "expired", "code": "expired", "effect": "none", "error": "it waited beyond its expiry"})
            elif ready and not self._orphaned and not self._on_hold(e) and (e.action.alongside or self._running < self.parallel):
                self._start(e)

    def _ready(self, entry):
        """(whether all that it comes after is done, what failed of it)."""
        for before in entry.cmd.get("after", ()):
            e = self._memory.entries.get(before)
            if e is None or e.ended and e.event["state"] != "done":
                return False, before
            if not e.ended:
                return False, None
        return True, None

    def _start(self, entry):
        if self._closing:
            return
        entry.started, entry.context = True, Context(self, entry)
        if not entry.action.alongside:
            self._running += 1
        self._say(entry, {"state": "running"})
        self._beside(self._work, entry, entry.context)

    def _work(self, entry, ctx):
        action, params = entry.action, entry.params
        with self._lock:
            in_force = self._in_force(action)
        for guard, wanted in ((self._expire, "timeout_s" in entry.cmd), (self.watch, action.orphan and action.orphan[1] > 0)):
            if wanted:
                threading.Thread(target=guard, args=(entry, ctx), daemon=True).start()
        end, took = clocked(verdict, ctx, action, params)
        ctx.finish()
        if end is not None:
            more = {k: v for k, v in (("calibration", in_force), ("blobs", ctx.blobs)) if v}
            self._end(entry, {**end, "took_ms": took, **more})

    def _expire(self, entry, ctx):
        """Ends a command that runs for too long; paused time is not counted."""
        left = min(entry.cmd["timeout_s"], threading.TIMEOUT_MAX)
        while not ctx.over:
            if entry.action.pausable:
                self.wait_turn(entry, ctx)
            began = time.monotonic()
            ctx.wait_wake(left)
            left -= time.monotonic() - began
            if left <= 0:
                return ctx.interrupt("timeout")
        return None

    def on_attach(self, ctx, name, data, media_type):
        attach(ctx, self._spool, ctx.blobs, self._actions[ctx.name].blobs, name, data, media_type)

    def on_chunk(self, total, payload):
        """Says a piece of raw data, and returns whether the broker has taken it."""
        return self._link.aside(self._topic("blob/" + total), payload)

    def on_arrived(self, ident):
        """Says again how a command ended whose raw data the laboratory now has."""
        with self._lock:
            e = self._memory.entries.get(ident)
            if e is not None and e.ended and not self._closing:
                self._repeat(e)

    def _on_missing(self, ctl):
        """Uploads a blob that the laboratory lacks, if it is still here."""
        missing = ctl.get("missing")
        if self._spool.answer(ctl["sha256"], missing) or missing == []:
            return  # it is at it, or was told twice
        if self._spool.again(ctl["sha256"]):
            return
        with self._lock:
            e = self._memory.entries.get(ctl["target"])
            if e is None:
                return
            if any(b["sha256"] == ctl["sha256"] and "data" not in b for b in e.event.get("blobs", ())):
                self.raise_alarm("blob_lost", "error", "the laboratory lacks raw data that the device no longer has: " + ctl["sha256"], e.id)
            self._repeat(e)

    def _end(self, entry, end):
        with self._lock:
            place = self._write_end(entry, end)
        self._ended(entry, place)

    def _end_soon(self, entry, end):
        """_end for who holds the lock."""
        if not self._closing:
            self._beside(self._ended, entry, self._write_end(entry, end))

    def _write_end(self, entry, end):
        self._end_hand(entry, end)
        entry.final = {"id": entry.id, **end, "ts": write_time(self._clock.count())}
        text = {"c": entry.text} if entry.refused else {}
        return self._journal.append(t="end", id=entry.id, h=entry.sum, **text, e=entry.final, x=entry.expires)

    def _ended(self, entry, place):
        try:
            self._journal.sync(place)
        except OSError as err:
            # The end may be forgotten, so nobody is told of it: at the next start the command is treated as its class says.
            log.error("end of command %s not written; nothing is reported: %s", entry.id, err)
            self._changed()
            return
        with self._lock:
            if entry.started and not entry.action.alongside and not entry.ended:
                self._running -= 1
            self._memory.remember(entry, entry.final)
            self._emit(entry.event)
            self._next()
            try:
                self._memory.compact(self._journal, self._clock.now())
            except OSError as err:
                log.error("journal not compacted: %s", err)

    def on_progress(self, entry, fraction):
        """Notes and reports how far a command is."""
        with self._lock:
            if entry.final is not None:
                return
            entry.progress = fraction
            if entry.event["state"] == "paused":
                return
            if time.monotonic() - entry.said >= PROGRESS_EVERY_S:
                entry.said = time.monotonic()
                self._say(entry, {"state": entry.event["state"], "progress": fraction})

    def on_checkpoint(self, entry, value):
        """Writes a checkpoint down. Raises OSError when the disk does not have it."""
        dump(value)  # what is not JSON is refused before it is in the journal
        with self._lock:
            if entry.final is not None:
                return
            entry.checkpoint = value
            place = self._journal.append(t="ckpt", id=entry.id, v=value)
        self._journal.sync(place)

    def _revive(self):
        """Treats what the last process died at, each as its class says."""
        for e in list(self._memory.unended.values()):
            lost = {"state": "in_doubt", "code": "power_loss", "effect": "unknown", "error": "the power was lost at it"}
            begun = self._ready(e)[0]
            try:
                e.params = e.action.check(e.cmd["params"]) if e.action else None
            except Refusal as no:
                lost["error"] += f", and the driver would not take it any more: {no}"
            if e.action is None:
                lost["error"] += ", and the driver has no such command any more"
            if not begun and e.params is not None:  # it never began
                e.accepted = True
            elif e.params is None:
                self._end_soon(e, lost)
            elif self._memory.stopped:
                self._end_soon(e, {**lost, "state": "aborted"})
            elif e.action.recovery == "manual":
                self._end_soon(e, lost)
            else:
                e.accepted = e.again = True
            if e.accepted and e.final is None and self._on_hold(e):
                self._say(e, {"state": "paused"})
        self._next()
