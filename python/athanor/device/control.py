"""What goes beside a device's commands: leases, stops, doubts, beats, and what is said."""
import logging
import threading
import time

from .errors import Refusal
from .hold import Hold
from .memory import Entry
from .records import Records
from .supplies import Supplies
from .wire import Bad, clean, dump, read_conn, read_time, write_time

log = logging.getLogger("athanor.device")

ID_REUSED = "id_reused"  # the alarm of an id that came with other bytes; a reset clears it
PAGE = 128 << 10  # bytes of commands in a page of a recall
IDLE_HEARTBEATS = 6  # times the heartbeat, while nobody holds the device


class Control(Hold, Records, Supplies):
    """The half of a Device that has no commands in it. Methods with an underscore want the lock held, save the _on_ ones."""

    def __init__(self):
        self._lock = threading.RLock()
        self._work_threads = set()
        self._holder, self._lease_epoch, self._ttl, self._until = "", 0, 0.0, 0.0
        self._lapse = None  # the timer of the lease's end
        self._latched, self._beat = False, None
        self._link = self._journal = self._spool = None
        for part in (Hold, Records, Supplies):
            part.__init__(self)

    def _topic(self, leaf):
        return f"ldp/1/{self.lab}/{self.id}/{leaf}"

    def _beside(self, function, *args):
        """Runs a function in a thread of its own, which `close` waits for."""
        def body():
            try:
                function(*args)
            except Exception:
                log.exception("%s failed", function.__name__)
            finally:
                self._work_threads.discard(thread)
        thread = threading.Thread(target=body, daemon=True)
        self._work_threads.add(thread)
        thread.start()

    def _threads(self):
        return list(self._work_threads)

    def _changed(self):
        if self._link:
            self._link.changed()

    # Operations.

    def _on_ctl(self, ctl):
        op = ctl["op"]
        if op == "lease":
            self._on_lease(ctl)
        elif op == "release":
            with self._lock:
                if ctl["epoch"] == self._lease_epoch:
                    self._holder, self._lease_epoch, self._until = "", 0, 0.0
        elif op == "cancel":
            self._on_cancel(ctl["target"])
        elif op == "stop":
            self._stop(f"ctl {ctl['id']} by {ctl.get('by', '')!r}: {ctl.get('reason', '')}")
        elif op == "reset":
            self._on_reset(ctl)
        elif op == "resolve":
            self._on_resolve(ctl)
        elif op == "status":
            with self._lock:
                if ctl.get("target") in self._memory.entries:
                    self._repeat(self._memory.entries[ctl["target"]])
        elif op == "recall":
            self._on_recall(ctl)
        elif op == "pause":
            self._on_pause(ctl)
        elif op == "resume":
            self._on_resume(ctl)
        elif op == "blob_missing":
            self._on_missing(ctl)
        self._changed()

    def _on_lease(self, ctl):
        """Gives the device to a holder. The epoch is on the disk before anything is done under it."""
        epoch, holder = ctl["epoch"], ctl["holder"]
        with self._lock:
            highest = self._memory.epoch
            if epoch < highest or epoch == self._lease_epoch and self._holder not in ("", holder):
                log.warning("lease of epoch %d refused; the highest is %d", epoch, highest)
                return
            self._memory.epoch = epoch
            place = self._journal.append(t="epoch", n=epoch) if epoch > highest else 0
        try:
            self._journal.sync(place)
        except OSError as err:
            log.error("lease refused: %s", err)
            return
        with self._lock:
            self._holder, self._lease_epoch, self._ttl = holder, epoch, float(ctl["ttl_s"])
            self._renew()

    def _renew(self):
        """Lets the lease run for its whole time again, and tells when it has run out."""
        self._until = time.monotonic() + self._ttl
        if self._lapse is not None:
            self._lapse.cancel()
        self._lapse = threading.Timer(self._ttl + 0.001, self._changed)
        self._lapse.daemon = True
        self._lapse.start()

    def _leased(self):
        return self._lease_epoch > 0 and time.monotonic() < self._until

    def _check_authority(self, cmd):
        """Refuses who does not hold the device, and who comes too late."""
        if cmd["epoch"] < self._memory.epoch:
            raise Refusal("stale_epoch", f"epoch {cmd['epoch']} is older than {self._memory.epoch}, which holds the device")
        if cmd["epoch"] != self._lease_epoch or not self._leased():
            raise Refusal("no_lease", f"epoch {cmd['epoch']} has no lease")
        if self._orphaned:
            raise Refusal("no_lease", f"the laboratory was silent for too long: a beat of {self._holder!r} must come first")
        if "expires" not in cmd:
            return
        now, expires = self._clock.now(), read_time(cmd["expires"])
        if now is None:
            raise Refusal("no_time", "the device has heard no beat since it started, so it cannot tell whether the command has expired")
        if now > expires:
            raise Refusal("expired", f"it is {write_time(now)}, and the command expired at {cmd['expires']}")

    def _on_cancel(self, ident):
        """Ends a command. One that has not come yet is written down as cancelled, so that a late copy never moves anything."""
        with self._lock:
            e = self._memory.entries.get(ident)
            if e is None:
                e = self._memory.begin(Entry(ident))
                self._end_soon(e, {"state": "cancelled", "effect": "none", "note": "cancelled before it came"})
            elif e.ended:
                self._repeat(e)
            elif e.final is None and e.started:
                if e.event["state"] != "cancelling":
                    self._say(e, {"state": "cancelling", "progress": e.progress})
                e.context.interrupt("cancelled")
            elif e.final is None:
                self._end_soon(e, {"state": "cancelled", "effect": "none"})

    def _stop(self, why):
        """Aborts everything and refuses commands until a reset, over restarts too. Stopping comes first, writing it down second, saying it last."""
        with self._lock:
            first, self._memory.stopped = not self._memory.stopped, True
            for e in list(self._memory.unended.values()):
                if e.final is not None:
                    continue
                if e.started:
                    e.context.interrupt("stopped")
                elif e.accepted:
                    self._end_soon(e, {"state": "aborted", "effect": "none"})
            place = self._note(t="stop") if first else 0
        if first:
            log.warning("stopped: %s", clean(why))
            self._written(place, "stop")
        self._changed()

    def _on_reset(self, ctl):
        with self._lock:
            if self._latched:
                log.warning("reset by %r refused: the lab's stop is latched", ctl.get("by", ""))
                return
            place = self._journal.append(t="reset") if self._memory.stopped else 0
        try:
            self._journal.sync(place)
        except OSError as err:
            log.error("reset refused: %s", err)
            return
        with self._lock:
            self._memory.stopped = False
            self.clear_alarm(ID_REUSED)

    def _on_resolve(self, ctl):
        """Takes a person's word on what became of a command in doubt."""
        with self._lock:
            e = self._memory.entries.get(ctl["target"])
            if e is None or e.event["state"] != "in_doubt":
                log.warning("resolve of %s ignored: it is not in doubt", ctl["target"])
                if e is not None:
                    self._repeat(e)
                return
            end = {"state": ctl["outcome"], "effect": "complete" if ctl["outcome"] == "done" else "unknown", "by": clean(ctl["by"])}
            if ctl.get("reason"):
                end["note"] = clean(ctl["reason"])
            self._end_soon(e, end)

    def _on_recall(self, ctl):
        """Says which commands are remembered, in the order in which they came, from after the one that is named on."""
        with self._lock:
            texts = {e.id: e.text for e in self._memory.entries.values() if e.text}
            names, page, size = list(texts), [], 0
            left = names[names.index(ctl["target"]) + 1:] if ctl.get("target") in texts else names
            for name in left:
                size += len(dump(texts[name]))
                if page and size > PAGE:
                    break
                page.append(texts[name])
            more = {"more": True} if len(page) < len(left) else {}
            self._link.push(self._topic("recall"), dump({"id": ctl["id"], "boot": self._memory.boot, "commands": page, **more}))

    def _on_beat(self, beat):
        """Hears the time, and renews the lease of whoever sends the beat."""
        with self._lock:
            self._clock.hear(read_time(beat["ts"]))
            self._beat = time.monotonic()
            if self._lease_epoch and beat.get("orc") == self._holder:
                was = self._leased()
                self._renew()
                if not was:
                    self._changed()
            if not self._lease_epoch or beat.get("orc") == self._holder:  # after a restart nobody is known as the holder
                self._feed()

    def _on_lab_stop(self, stop):
        """Follows the lab's latch. Taking it back does not start anything: each device is reset by itself."""
        with self._lock:
            self._latched = stop["latched"]
        if stop["latched"]:
            self._stop(f"lab stop {stop['id']} by {stop['by']!r}: {stop.get('reason', '')}")

    def _on_conn(self, payload):
        """Hears what is said of the device's own link, and says online again when it is another's word.

        The broker may publish the will of a process that was killed after the next one is online, and the will stays
        retained. A higher boot is somebody else under the same name; two of them do not talk each other down.
        """
        try:
            conn = read_conn(payload)
            right = conn["boot"] > self._memory.boot or conn["boot"] == self._memory.boot and conn["state"] == "online"
        except Bad:
            right = False
        if not right:
            self._link.say_online()

    # What is said.

    def _say(self, entry, event):
        """Notes an event as the last about a command, and reports it."""
        entry.event = {"id": entry.id, **event}
        self._emit(entry.event)

    def _repeat(self, entry):
        """Says again what was last said of a command."""
        self._emit({**entry.event, "dup": True})

    def _refuse(self, ident, no):
        event = {"id": ident, "state": "rejected", "code": no.code, "error": clean(no), "effect": "none"}
        self._emit({**event, "retryable": True} if no.curable else event)

    def _emit(self, event):
        """Numbers an event and hands it over; the lock makes the order of numbers that on the wire."""
        self._n += 1
        event = {"ts": write_time(self._clock.count()), **event, "boot": self._memory.boot, "n": self._n}
        self._link.push(self._topic("ev"), dump(event))

    def _conn(self, state):
        conn = {"state": state, "boot": self._memory.boot, "sdk": "athanor-python"}
        if state != "lost":  # the will is written long before it is read
            conn["ts"] = write_time(time.time())
        return dump(conn)

    def about(self):
        """The device as a W3C Thing Description 1.1."""
        def form(leaf, op, packet, topic):
            t = self._topic(leaf)
            return {"href": "mqtt://localhost/" + t, "op": op, "mqv:controlPacket": packet, topic: t, "mqv:qos": "1", "contentType": "application/json"}
        invoke = form("cmd", "invokeaction", "publish", "mqv:topic")
        events = {name: {"data": {"type": "object"}, "forms": [form(leaf, "subscribeevent", "subscribe", "mqv:filter")]} for name, leaf in (("ev", "ev"), ("alarm", "alarm/+"))}
        for name, s in self._streams.items():
            columns = {k: {"type": "array", "unit": q.schema["unit"], "items": {"type": "number", **{m: q.schema[m] for m in ("minimum", "maximum") if m in q.schema}}}
                       for k, q in s.columns.items()}
            events["tm." + name] = {
                "data": {"type": "object", "properties": {"v": {"type": "object", "properties": columns}}},
                "forms": [form("tm/" + name, "subscribeevent", "subscribe", "mqv:filter")],
            }
        profile = ["S", "C", "L"] + ["M"] * bool(self._memory.slots) + ["B"] * any(a.blobs for a in self._actions.values())
        return {
            "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"ldp": "urn:ldp:1#", "mqv": "https://www.w3.org/2019/wot/mqtt#"}],
            "@type": "ldp:" + self.kind, "id": f"urn:ldp:{self.lab}:{self.id}", "title": self.title,
            "securityDefinitions": {"nosec": {"scheme": "nosec"}}, "security": "nosec",
            "ldp:minor": 3, "ldp:profile": profile, **({"ldp:slots": list(self._memory.slots)} if self._memory.slots else {}), "ldp:capabilities": self.capabilities, "ldp:cell": self.cell,
            "ldp:simulated": self.simulated, "ldp:heartbeat_s": self._beat_s,
            "actions": {name: a.describe(invoke) for name, a in self._actions.items()},
            "events": events,
        }

    def heartbeat_s(self):
        """The longest time between two states now."""
        return self._beat_s if self._leased() else IDLE_HEARTBEATS * self._beat_s

    def greetings(self):
        """What is said whenever the link is taken: (topic, payload), retained."""
        return [(self._topic("about"), dump(self.about())), self.online()]

    def online(self):
        """The device's birth: (topic, payload), retained."""
        return self._topic("conn"), self._conn("online")

    def snapshot(self):
        """The device's state: (topic, payload), retained."""
        with self._lock:
            at = [e for e in self._memory.unended.values() if e.accepted]
            faults, stuck = list(self._faults), self._journal.broken if not self._closing else None
            if stuck:
                faults.append({"code": "journal", "level": "critical", "text": clean(stuck)})
            op = self._op(stuck)
            state = {"boot": self._memory.boot, "n": self._n, "ts": write_time(self._clock.count()), "op": op, "mode": self._mode, "clock": self._clock.state()}
            if self._leased():
                until = (self._clock.now() or time.time()) + self._until - time.monotonic()
                state["lease"] = {"epoch": self._lease_epoch, "holder": self._holder, "until": write_time(until)}
            if at:
                state["active"] = [{"id": e.id, "name": e.cmd["name"], "state": e.event["state"], "progress": e.progress} for e in at]
            recent = self._memory.recent()
            if recent:
                state["recent"] = [{"id": e.id, "state": e.event["state"]} for e in recent]
            if faults:
                state["faults"] = faults
            state["alarms"] = sorted(self._alarms)
            for key, values in (("calibration", self._calibrations), ("consumables", self._memory.supplies), ("slots", self._memory.slots)):
                if values:
                    state[key] = list(values.values())
            if self._beat is not None:
                state["beat_age_ms"] = round((time.monotonic() - self._beat) * 1000, 3)
            return self._topic("state"), dump(state)

    def _critical(self):
        return any(f["level"] == "critical" for f in self._faults)
