"""A whole driver of a furnace: what it can do with units and limits, resuming
after a crash, cancelling, and everything else that the contract of devices asks
for. Usage: furnace.py DEVICE JOURNAL BROKER-URL
"""
import sys

from athanor.device import Device, Q

dev, temp = Device(sys.argv[1], kind="Furnace", capabilities=["heater"], journal=sys.argv[2]), 25.0


@dev.command(recovery="resume", orphan=("finish", 600), example={"target": 26, "rate": 600, "hold": 0})
def heat(ctx, target: Q("Cel", 20, 1200), rate: Q("K/min", 0.1, 600), hold: Q("s", 0, 86400)) -> {"temperature": Q("Cel")}:
    global temp
    while abs(temp - target) > 0.5:  # replace by writes to the controller
        temp += max(-rate / 600, min(rate / 600, target - temp))
        ctx.sleep(0.1)  # ends the command when it is cancelled, stopped or out of time
    held = ctx.checkpointed or 0.0
    while held < hold:
        ctx.progress(held / hold)
        ctx.checkpoint(held)
        ctx.sleep(0.5)
        held += 0.5
    return {"temperature": temp}


@dev.command(recovery="repeat", alongside=True, example={})
def read_temperature(ctx) -> {"temperature": Q("Cel")}:
    return {"temperature": temp}


dev.run(sys.argv[3])
