"""What commands rely on: calibrations, consumables, and slots for samples."""
import time

from .errors import Fault, InDoubt, Misuse, Refusal
from .specs import Text
from .wire import read_time, valid_id, write_time

HANDS = ("give", "take", "clear")


class Supplies:
    """The part of a Device that knows what it has. Methods with an underscore want the lock held."""

    def __init__(self):
        self._calibrations, self._hands = {}, None

    def set_calibration(self, name, status="valid", due=None, at=None, by="", certificate=""):
        """Says how a calibration stands: "valid", "due" or "invalid"; due and at are RFC 3339 texts."""
        if not valid_id(name) or status not in ("valid", "due", "invalid") or any(t and read_time(t) is None for t in (due, at)):
            raise Misuse(f"calibration {name!r} has no name, status {status!r} is not valid, due or invalid, or a time is not as in 2026-01-02T03:04:05Z")
        c = {"name": name, "status": status, "at": at, "due": due, "by": by, "certificate": certificate}
        with self._lock:
            self._calibrations[name] = {k: v for k, v in c.items() if v}
        self._changed()

    def supply(self, name, unit, level, low=0, lot=""):
        """Says how much of a consumable there is.

        Before `start` it is what a new device begins with: a level of the same lot in the journal counts more. Later it is a refill.
        """
        if not valid_id(name) or not 0 <= level < float("inf"):
            raise Misuse(f"consumable {name!r} has no name, or level {level!r} is not a number from 0")
        s = {"name": name, "unit": unit, "level": level, "low": low, "lot": lot}
        with self._lock:
            self._memory.supplies[name] = {k: v for k, v in s.items() if v or k == "level"}
            self._note_supply(name)
        self._changed()

    def on_use(self, name, amount):
        with self._lock:
            s = self._memory.supplies.get(name)
            if s is None or not amount >= 0:
                raise Fault(f"use {amount} of {name}: there is no such consumable, or the amount is below 0")
            s["level"] = max(0, s["level"] - amount)
            self._note_supply(name)
        self._changed()

    def _note_supply(self, name):
        if self._journal:
            self._journal.append(t="supply", id=name, v=self._memory.supplies[name])

    def _check_supplies(self, action):
        """Refuses what lacks a calibration or a consumable, before anything moves."""
        now = self._clock.now() or time.time()
        for name in action.calibration:
            c = self._calibrations.get(name)
            if c is None:
                raise Refusal("calibration", f"calibration {name} has not been made")
            if c["status"] == "invalid" or "due" in c and read_time(c["due"]) <= now:
                raise Refusal("calibration", f"calibration {name} does not hold: it is {c['status']}, due {c.get('due', 'never')}")
        for name, amount in action.needs.items():
            s = self._memory.supplies.get(name)
            if s is None:
                raise Refusal("consumable", f"there is no {name}")
            if s["level"] <= 0 or s["level"] < amount:
                raise Refusal("consumable", f"{s['level']:g} of {name} are left, and {amount:g} are needed")

    def _in_force(self, action):
        return [c.get("certificate") or name for name, c in sorted(self._calibrations.items()) if name in action.calibration]

    # Slots.

    def hands(self, slots, give, take, clear=None, look=None):
        """Declares slots, before `start`, and makes the commands give, take and clear of the contract.

        give(ctx, slot, sample, token, peer) presents the sample and returns when the other side has it; take makes ready and returns when
        it is there. Both return what a reader read, or None. clear(ctx, slot) goes back to work. look(slot) is what a sensor sees: None
        when it cannot tell, "" for nothing, True or the sample's name.
        """
        if not slots or any(not valid_id(s) for s in slots) or len(set(slots)) != len(slots):
            raise Misuse(f"slots {slots!r} are not names, each its own")
        self._hands = look
        self._memory.slots = {s: {"slot": s} for s in slots}
        for name, function in (("give", give), ("take", take)):
            self._hand(name, function, list(slots))

        def cleared(ctx, slot: Text(*slots), token: str, sample: str):
            if clear:
                clear(ctx, slot)
            with self._lock:
                self._put_slot({"slot": slot, **({"sample": sample} if sample else {})})
        self.command(recovery="repeat", name="clear")(cleared)

    def _hand(self, name, function, slots):
        def hand(ctx, slot: Text(*slots), sample: str, token: str, peer: str = None) -> {"read": str}:
            with self._lock:
                handover = {"token": token, "want": name}
                if ctx.timeout_s:
                    handover["until"] = write_time((self._clock.now() or time.time()) + min(ctx.timeout_s, 1e9))
                self._put_slot({**self._memory.slots[slot], "handover": handover})
            self._changed()
            read = function(ctx, slot, sample, token, peer)
            if read and read != sample:
                raise InDoubt(f"the reader read {read!r}")
            return {"read": read} if read else None

        def probe(ctx):
            p = ctx.params
            seen = self._hands(p["slot"])
            if seen is None or isinstance(seen, str) and seen not in ("", p["sample"]):
                return "unknown"
            return "done" if bool(seen) == (name == "take") else "undone"
        self.command(recovery="probe" if self._hands else "manual", name=name, probe=probe if self._hands else None, optional=("read",))(hand)

    def set_slot(self, slot, sample):
        """Says what a person has put into a slot, or with "" taken out of it."""
        if slot not in self._memory.slots or sample and not valid_id(sample):
            raise Misuse(f"there is no slot {slot!r}, or sample {sample!r} is no id")
        with self._lock:
            self._put_slot({**{k: v for k, v in self._memory.slots[slot].items() if k == "handover"}, "slot": slot, **({"sample": sample} if sample else {})})
        self._changed()

    def _put_slot(self, s):
        s = {k: v for k, v in s.items() if k != "sensed"}
        seen = self._hands(s["slot"]) if self._hands else None
        if seen is not None and bool(seen) == ("sample" in s):
            s["sensed"] = True
        self._memory.slots[s["slot"]] = s
        if self._journal:
            self._journal.append(t="slot", id=s["slot"], v=s)

    def _check_slots(self, cmd, action, params):
        """Refuses a handover that does not fit, and what else moves while a slot is out: a door must not close on a hand."""
        if not self._memory.slots:
            return
        name = cmd["name"]
        if name not in HANDS:
            out = next((s for s in self._memory.slots.values() if "handover" in s), None)
            if out and not action.alongside:
                raise Refusal("interlock", f"slot {out['slot']} is out under handover {out['handover']['token']} until it is cleared")
            return
        s, token, sample = self._memory.slots[params["slot"]], params["token"], params["sample"]
        handover = s.get("handover")
        if not valid_id(token):
            raise Refusal("bad_params", f"params.token: {token[:40]!r} is no id")
        if not valid_id(sample) and (sample or name != "clear"):
            raise Refusal("bad_params", f"params.sample: {sample[:40]!r} is no id")
        if handover and handover["token"] != token:
            raise Refusal("interlock", f"slot {s['slot']} is out under another handover")
        if name == "clear":
            if not handover or not handover.get("ended"):
                raise Refusal("interlock", f"slot {s['slot']} is at no handover that has ended")
        elif handover:
            raise Refusal("interlock", f"slot {s['slot']} has done its part of handover {token}, and waits to be cleared")
        elif name == "give" and s.get("sample") != sample:
            raise Refusal("interlock", f"slot {s['slot']} holds {s.get('sample', '')!r} and not {sample!r}")
        elif name == "take" and s.get("sample"):
            raise Refusal("interlock", f"slot {s['slot']} holds {s['sample']!r}: it takes nothing else")

    def _end_hand(self, entry, end):
        """Notes, with the end of a command, where the sample is and that the slot waits to be cleared."""
        if not self._memory.slots or entry.action is None or entry.action.name not in ("give", "take") or not entry.params:
            return
        if not entry.started and end["state"] != "in_doubt":
            return
        p, name = entry.params, entry.action.name
        s = {**self._memory.slots[p["slot"]], "handover": {"token": p["token"], "want": name, "ended": True}}
        if end["state"] == "done":
            s.pop("sample", None)
            if name == "take":
                s["sample"] = p["sample"]
        self._put_slot(s)
