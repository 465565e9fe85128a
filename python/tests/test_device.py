"""What a device does, without a broker: messages go straight to it, and what it says is caught."""
import json
import os
import tempfile
import threading
import time
import types
import unittest
from unittest import mock

from athanor.device import Device, Fault, InDoubt, Interrupted, Misuse, Q, Text


class Bench:
    """A device whose link is this object."""

    def __init__(self, folder, register):
        self.heard = threading.Condition()
        self.events, self.moves, self.alarms, self.batches = [], [], [], []
        self.device = Device("dut", journal=os.path.join(folder, "journal"))
        register(self)
        with mock.patch("athanor.device.device.Link", return_value=self):
            self.device.start("mqtt://nowhere")

    # The link.
    def start(self):
        pass

    def changed(self):
        with self.heard:
            self.heard.notify_all()

    def push(self, _topic, payload):
        with self.heard:
            self.events.append(json.loads(payload))
            self.heard.notify_all()

    def alarm(self, code):
        with self.heard:
            self.alarms.append(self.device.alarm_message(code))
            self.heard.notify_all()

    def telemetry(self, topic, payload):
        with self.heard:
            self.batches.append((topic, json.loads(payload)))
            self.heard.notify_all()

    def close(self, _farewell):
        pass

    # The laboratory.
    def send(self, leaf, retain=False, **message):
        self.device.receive(types.SimpleNamespace(topic="ldp/1/lab/dut/" + leaf, payload=json.dumps(message).encode(), retain=retain))

    def lease(self, epoch=1, ttl=60, holder="h"):
        self.send("ctl", id="l", op="lease", epoch=epoch, holder=holder, ttl_s=ttl)
        self.send("beat", ts="2026-01-01T00:00:00Z", seq=1, orc=holder)

    def cmd(self, ident, name="move", params=None, **more):
        self.send("cmd", **{"id": ident, "name": name, "epoch": 1, "params": {"x": 1} if params is None else params, "expires": "2026-01-02T00:00:00Z", **more})

    def said(self, ident):
        return [e["state"] + (":" + e["code"] if "code" in e else "") + (" dup" if e.get("dup") else "") for e in self.events if e["id"] == ident]

    def wait(self, ident, word):
        with self.heard:
            if not self.heard.wait_for(lambda: word in self.said(ident), 20):
                raise AssertionError(f"{ident} said {self.said(ident)}; want {word}")
        return next(e for e in reversed(self.events) if e["id"] == ident)

    def state(self):
        return json.loads(self.device.snapshot()[1])


class Devices(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.bench = None
        self.found = "unknown"

    def register(self, b):
        dev = b.device

        def wait(ctx, x):
            for n in range(ctx.checkpointed or 0, 200):
                ctx.checkpoint(n)
                b.moves.append((ctx.command_id, n))
                ctx.sleep(0.01 if x else 0)
            return {"x": x}

        @dev.command()
        def move(ctx, x: Q("mm", -10, 10), n: Q("1", 0, 9, whole=True) = 3, gas: Text("N2", "Ar") = "N2", dry: bool = None) -> {"x": Q("mm")}:
            b.moves.append(ctx.command_id)
            return {"x": x}

        @dev.command()
        def explode(ctx, how: str):
            raise {"fault": Fault("door", effect="none", retryable=True), "doubt": InDoubt("who knows"), "exit": SystemExit(), "bug": KeyError("x")}[how]

        @dev.command()
        def odd(ctx):
            return {"x": float("nan")}

        def slow(ctx, x: Q("s", 0, 9)):
            return wait(ctx, x)
        for recovery in ("repeat", "resume", "manual"):
            dev.command(recovery=recovery, name=recovery)(slow)
        dev.command(recovery="probe", name="probe", probe=lambda ctx: self.found)(slow)

    def register_steps(self, b):
        """A command that takes steps until it is ended."""
        @b.device.command(recovery="repeat", pausable=True)
        def steps(ctx):
            while True:
                b.moves.append(ctx.command_id)
                ctx.sleep(0.002)

    def start(self):
        self.bench = Bench(self.folder, self.register)
        self.addCleanup(self.bench.device.close)
        self.bench.lease()
        return self.bench

    def crash(self):
        """Ends the process as SIGKILL does, as far as the journal can tell: nothing more is written."""
        self.bench.device.close()
        return self.start()

    def test_once(self):
        b = self.start()
        b.cmd("a")
        first = b.wait("a", "done")
        self.assertEqual((b.said("a"), first["result"], first["effect"]), (["accepted", "running", "done"], {"x": 1.0}, "complete"))
        b.cmd("a")
        again = b.wait("a", "done dup")
        self.assertEqual((again["ts"], again["result"]), (first["ts"], first["result"]))
        b.cmd("a", params={"x": 2})
        b.wait("a", "rejected:bad_message")
        b = self.crash()
        b.cmd("a")
        self.assertEqual((b.wait("a", "done dup")["boot"], b.moves), (2, []))

    def test_pause(self):
        self.register = self.register_steps
        b = self.start()
        b.cmd("a", "steps", {})
        b.wait("a", "running")
        b.send("ctl", id="p", op="pause", target="a")
        b.wait("a", "paused")
        count = len(b.moves)
        self.assertEqual((b.state()["op"], b.state()["active"][0]["state"]), ("paused", "paused"))
        b.send("ctl", id="r", op="resume", target="a", epoch=2)  # not the lease's
        time.sleep(0.03)  # fifteen of its steps
        self.assertEqual(len(b.moves), count)
        b = self.crash()
        b.wait("a", "paused")
        b.send("ctl", id="r", op="resume", target="a", epoch=1)
        b.wait("a", "running")
        b.send("ctl", id="c", op="cancel", target="a")
        b.wait("a", "cancelled")
        b.send("ctl", id="p", op="pause")
        b.cmd("b", "steps", {})
        b.wait("b", "rejected:busy")

    def test_nothing_is_said_that_a_crash_would_undo(self):
        """Holds the disk while a command is paused, and the device stopped: it stands still at once, and says so once it is written down."""
        self.register = self.register_steps
        b = self.start()
        b.cmd("a", "steps", {})
        b.wait("a", "running")
        disk, write = threading.Lock(), b.device._journal._write

        def held(fd, content):
            with disk:
                write(fd, content)

        def said(word):
            return "paused" in b.said("a") if word == "paused" else b.state()["op"] == word
        with mock.patch.object(b.device._journal, "_write", held):
            for op, word in (("pause", "paused"), ("stop", "stopped")):
                with disk:
                    hand = threading.Thread(target=b.send, args=("ctl",), kwargs={"id": op, "op": op, **({"target": "a"} if op == "pause" else {})})
                    hand.start()
                    time.sleep(0.05)
                    count = len(b.moves)
                    time.sleep(0.03)  # fifteen of its steps
                    self.assertEqual((len(b.moves), said(word)), (count, False))
                hand.join()
                if word == "paused":
                    b.wait("a", "paused")
                self.assertTrue(said(word))

    def test_silence(self):
        def register(b):
            for rule in ("stop", "pause"):
                @b.device.command(recovery="repeat", name=rule, orphan=(rule, 0.1))
                def slow(ctx):
                    ctx.sleep(0.3 if ctx.name == "pause" else 30)
        self.register = register
        b = self.start()
        b.cmd("a", "stop", {})
        end = b.wait("a", "failed:orphaned")
        self.assertEqual((end["effect"], end["retryable"], b.state()["op"]), ("partial", True, "safe"))
        b.cmd("b", "pause", {})
        b.wait("b", "rejected:no_lease")
        b.send("beat", ts="2026-01-01T00:00:00Z", seq=2, orc="h")
        b.cmd("c", "pause", {})
        b.wait("c", "paused")
        until = time.monotonic() + 10
        while "done" not in b.said("c") and time.monotonic() < until:
            b.send("beat", ts="2026-01-01T00:00:00Z", seq=3, orc="h")
            time.sleep(0.02)  # between two beats
        b.wait("c", "done")
        self.assertEqual(b.state()["op"], "idle")

    def test_supplies(self):
        def register(b):
            b.device.set_calibration("scale", certificate="K-7")
            b.device.supply("tips", "1", 1, lot="L1")

            @b.device.command(recovery="repeat", calibration=["scale"], needs={"tips": 1})
            def dose(ctx):
                ctx.use("tips", 1)
        self.register = register
        b = self.start()
        b.cmd("a", "dose", {})
        self.assertEqual(b.wait("a", "done")["calibration"], ["K-7"])
        b = self.crash()
        b.cmd("b", "dose", {})
        b.wait("b", "rejected:consumable")
        b.device.supply("tips", "1", 96, lot="L2")
        b.device.set_calibration("scale", due="2025-01-01T00:00:00Z")
        b.cmd("c", "dose", {})
        b.wait("c", "rejected:calibration")
        for bad in (lambda: b.device.supply("a b", "1", 1), lambda: b.device.supply("a", "1", -1), lambda: b.device.set_calibration("x", status="fine"),
                    lambda: b.device.set_calibration("x", due="tomorrow"), lambda: b.device.raise_alarm("x", "dreadful"), lambda: b.device.hands(["A1", "A1"], None, None)):
            self.assertRaises(Misuse, bad)

    def test_alarms_and_streams(self):
        b = self.start()
        b.device.raise_alarm("hot", "error", "too hot")
        b.device.raise_alarm("hot", "error", "too hot")
        self.assertEqual([(t, json.loads(p)["level"]) for t, p in b.alarms], [("ldp/1/lab/dut/alarm/hot", "error")])
        self.assertEqual(b.state()["alarms"], ["hot"])
        b.device.clear_alarm("hot")
        self.assertEqual((b.alarms[-1][1], b.state()["alarms"]), (b"", []))
        b.send("alarm/old", code="old", level="error", since="2026-01-01T00:00:00Z", boot=1)
        self.assertEqual(b.alarms[-1], ("ldp/1/lab/dut/alarm/old", b""))
        stream = b.device.stream("thermal", T=Q("Cel"), P=Q("W"))
        stream.add(T=20, P=0)
        stream.add(T=21.5, P=3)
        stream.flush()
        topic, batch = b.batches[0]
        self.assertEqual((topic, batch["n"], batch["v"], batch["u"]), ("ldp/1/lab/dut/tm/thermal", 1, {"T": [20, 21.5], "P": [0, 3]}, {"T": "Cel", "P": "W"}))
        for bad in ({"T": 1}, {"T": 1, "P": 2, "X": 3}, {"T": float("nan"), "P": 1}):
            self.assertRaises(ValueError, stream.add, **bad)
        self.assertRaises(Misuse, b.device.stream, "x", T=Q(""))

    def test_refusals(self):
        b = self.start()
        for i, (change, code) in enumerate((
                ({"name": "fly"}, "unknown_command"), ({"params": {}}, "bad_params"), ({"params": {"x": 10.000001}}, "bad_params"), ({"params": {"x": "1"}}, "bad_params"),
                ({"params": {"x": True}}, "bad_params"), ({"params": {"x": 1, "n": 1.5}}, "bad_params"), ({"params": {"x": 1, "gas": "CO"}}, "bad_params"),
                ({"params": {"x": 1, "dry": 1}}, "bad_params"), ({"params": {"X": 1}}, "bad_params"), ({"epoch": 2}, "no_lease"), ({"expires": "2025-01-01T00:00:00Z"}, "expired"),
                ({"after": ["nobody"]}, "dependency_failed"), ({"force": 1}, "bad_message"))):
            with self.subTest(change):
                b.cmd(f"r{i}", **change)
                self.assertEqual(b.wait(f"r{i}", "rejected:" + code)["effect"], "none")
        b.send("cmd", id="x", name="move", epoch=1, params={"x": 1})
        b.wait("x", "rejected:bad_message")  # it has no expiry
        b.device.set_mode("local")
        b.cmd("m")
        b.wait("m", "rejected:wrong_mode")
        b.device.set_mode("remote")
        b.device.set_faults({"code": "door", "level": "critical", "text": "open"})
        b.cmd("f")
        b.wait("f", "rejected:interlock")
        self.assertEqual((b.state()["op"], b.moves), ("fault", []))

    def test_fencing_survives(self):
        b = self.start()
        b.lease(epoch=5, holder="other")
        b = self.crash()  # which leases with epoch 1
        b.cmd("a")
        b.wait("a", "rejected:stale_epoch")
        self.assertNotIn("lease", b.state())

    def test_failures(self):
        b = self.start()
        for how, said in (("fault", "failed:device_fault"), ("doubt", "in_doubt:device_fault"), ("exit", "failed:device_fault"), ("bug", "failed:device_fault")):
            b.cmd(how, "explode", {"how": how})
            b.wait(how, said)
        self.assertEqual((b.events[-1]["effect"], next(e for e in b.events if e["id"] == "fault" and "effect" in e)["retryable"]), ("unknown", True))
        b.send("ctl", id="c", op="resolve", target="doubt", outcome="done", by="ann", reason="I saw it")
        self.assertEqual(b.wait("doubt", "done")["by"], "ann")
        b.cmd("odd", "odd", {})
        self.assertEqual(b.wait("odd", "failed:device_fault")["effect"], "complete")

    def test_cancel_stop_and_waiting(self):
        b = self.start()
        b.cmd("a", "resume", {"x": 1})
        b.wait("a", "running")
        b.cmd("busy")
        b.wait("busy", "rejected:busy")
        b.cmd("w", after=["a"])
        b.wait("w", "accepted")
        b.send("ctl", id="c", op="cancel", target="a")
        b.wait("a", "cancelled")
        b.wait("w", "failed:dependency_failed")
        b.send("ctl", id="c", op="cancel", target="later")
        b.wait("later", "cancelled")
        b.cmd("later")
        b.wait("later", "cancelled dup")
        b.cmd("s", "resume", {"x": 1})
        b.wait("s", "running")
        b.send("stop", latched=True, id="stop", by="ann")
        b.wait("s", "aborted")
        b.send("ctl", id="c", op="reset", by="ann")
        b.cmd("no")
        b.wait("no", "rejected:interlock")
        b = self.crash()
        self.assertEqual(b.state()["op"], "stopped")
        b.send("ctl", id="c", op="reset", by="ann")
        b.cmd("yes")
        b.wait("yes", "done")

    def test_crash_by_class(self):
        for recovery, found, said in (("repeat", "", "done"), ("resume", "", "done"), ("manual", "", "in_doubt:power_loss"), ("probe", "done", "done"),
                                      ("probe", "partial", "failed:power_loss"), ("probe", "unknown", "in_doubt:power_loss"), ("probe", "undone", "done")):
            with self.subTest(recovery + found):
                self.found, ident = found, recovery + found
                b = self.start()
                b.cmd(ident, recovery, {"x": 1})
                until = time.monotonic() + 5
                while len(b.moves) < 5 and time.monotonic() < until:
                    time.sleep(0.005)
                before = b.moves[-1][1]
                b = self.crash()
                b.wait(ident, said)
                if recovery == "resume":
                    self.assertGreaterEqual(b.moves[0][1], before)
                b.device.close()

    def test_timeout_and_lease_lapse(self):
        b = self.start()
        b.cmd("t", "resume", {"x": 1}, timeout_s=0.05)
        b.wait("t", "failed:timeout")
        b.lease(ttl=0.05)
        time.sleep(0.1)
        b.cmd("l")
        b.wait("l", "rejected:no_lease")
        b.send("beat", ts="2026-01-01T00:00:00Z", seq=2, orc="h")
        b.cmd("l")
        b.wait("l", "done")

    def test_misuse_is_told(self):
        for wrong in (lambda d: d.command(recovery="maybe"), lambda d: d.command(recovery="probe"), lambda d: d.command(orphan=("fly", 1)), lambda d: d.command(name="a b")):
            with self.assertRaises(Misuse):
                wrong(Device("d"))(lambda ctx: None)

        def bare(ctx, x):
            return None
        with self.assertRaisesRegex(Misuse, "parameter x of command bare"):
            Device("d").command()(bare)
        with self.assertRaises(Misuse):
            Device("a b")

    def test_interrupted_is_told_why(self):
        self.assertIn("cancelled", str(Interrupted("cancelled")))
