"""The device's half of LDP/1: what an author of a driver needs, and no more.

A driver is a `Device` with a function to a command:

    dev = Device("furnace-1", kind="Furnace", capabilities=["heater"])

    @dev.command(recovery="resume")
    def heat(ctx, target: Q("Cel", 20, 1200), hold: Q("s", 0, 86400)) -> {"temperature": Q("Cel")}:
        ...

    dev.run("mqtt://127.0.0.1:1883")

`Device.run` does the rest: it describes the device, refuses what is not
allowed, writes down each command before the first movement and its end before
it is reported, answers repeated commands from that journal, and after a crash
treats what was under way as its recovery class says.

Choose the recovery class truthfully: "repeat" only when doing it again changes
nothing, "resume" only when the function starts at its last checkpoint, "probe"
only when the effect can be seen. Otherwise "manual", which leaves a person to
say. `Context.sleep` ends a command that is to end: let its exception pass, in a
safe position.
"""
from .device import Device
from .errors import Fault, InDoubt, Interrupted, JournalDamaged, Misuse
from .run import Context
from .specs import Q, Text

__all__ = ["Context", "Device", "Fault", "InDoubt", "Interrupted", "JournalDamaged", "Misuse", "Q", "Text"]
