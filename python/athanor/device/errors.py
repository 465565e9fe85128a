"""What goes wrong, in a driver and around it."""


class Misuse(Exception):
    """A driver is described wrongly: what, and what would be right."""


class JournalDamaged(Exception):
    """The journal has a broken line that whole lines follow: a person must look."""


class Interrupted(Exception):
    """The command is to end: `why` is "cancelled", "stopped", "timeout", "orphaned" or "shutdown".

    Let it pass, or raise a `Fault` from it that tells the effect.
    """

    def __init__(self, why):
        super().__init__({
            "cancelled": "the command was cancelled", "stopped": "the device was stopped",
            "timeout": "the command ran longer than its timeout", "shutdown": "the device is shutting down",
            "orphaned": "the laboratory was silent for too long",
        }[why])
        self.why = why


class InDoubt(Exception):
    """The driver cannot tell what has happened: a person will have to."""


class Fault(Exception):
    """A failure that says more than that something failed.

    effect: what has happened all the same, "none", "partial", "complete" or "unknown".
    code: of the contract's closed list. retryable: that a new command could succeed.
    """

    def __init__(self, text="device fault", effect="unknown", code="device_fault", retryable=False):
        super().__init__(text)
        if effect not in ("none", "partial", "complete", "unknown"):
            raise ValueError(f"effect {effect!r} is not none, partial, complete or unknown")
        if code not in ("timeout", "device_fault", "orphaned", "power_loss", "interlock", "calibration", "consumable"):
            raise ValueError(f"code {code!r} is none of a failure")
        self.effect, self.code, self.retryable = effect, code, retryable


class Refusal(Exception):
    """Why a command is not taken: a code of the closed list, and a text."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code

    @property
    def curable(self):
        """Whether sending the same bytes again may succeed; such a refusal is not written down."""
        return self.code in ("busy", "no_lease", "no_time")
