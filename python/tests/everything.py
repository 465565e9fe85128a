"""A device that has everything of the contract, for the conformance kit. Usage: everything.py DEVICE JOURNAL BROKER-URL"""
import sys

from athanor.device import Device, Q

dev = Device(sys.argv[1], kind="Tester", capabilities=["test"], journal=sys.argv[2], simulated=True, heartbeat_s=1)
AFTER_S = 1.2


def wait(ctx, time: Q("s", 0, 60)) -> {"time": Q("s")}:
    done = ctx.checkpointed or 0.0
    while done < time:
        ctx.progress(done / time)
        ctx.checkpoint(done)
        ctx.sleep(0.05)
        done += 0.05
    return {"time": time}


for name, options in {
    "again": {"recovery": "repeat"}, "standing": {"recovery": "resume", "pausable": True}, "once": {},
    "stopping": {"recovery": "repeat", "orphan": ("stop", AFTER_S)}, "pausing": {"recovery": "repeat", "orphan": ("pause", AFTER_S)},
    "finishing": {"recovery": "repeat", "orphan": ("finish", AFTER_S)},
}.items():
    dev.command(name=name, example={"time": 0}, **options)(wait)

dev.set_calibration("ruler", certificate="K-7")
dev.set_calibration("scale", status="invalid")
dev.supply("tips", "1", 0)


@dev.command(recovery="repeat", calibration=["ruler"], example={})
def measure(ctx):
    pass


@dev.command(recovery="repeat", calibration=["scale"])
def weigh(ctx):
    pass


@dev.command(recovery="repeat", needs={"tips": 1})
def pipette(ctx):
    pass


levels = dev.stream("levels", level=Q("mm", 0, 10))


@dev.command(recovery="repeat", blobs=["note.txt", "trace.bin"], example={})
def scan(ctx):
    levels.add(ctx, level=1)
    ctx.attach("note.txt", b"little", "text/plain")
    ctx.attach("trace.bin", b"0123456789" * 30_000)


def hand(ctx, slot, sample, token, peer):
    return sample


dev.hands(["A1", "A2"], hand, hand)
dev.run(sys.argv[3])
