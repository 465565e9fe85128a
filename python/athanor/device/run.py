"""Running a command's function, and telling how it ended."""
import logging
import threading
import time
import traceback

from .errors import Fault, InDoubt, Interrupted
from .wire import clean, dump

log = logging.getLogger("athanor.device")

RESULT_MAX = 128 << 10  # bytes
PROGRESS_EVERY_S = 0.1


class Context:
    """What a command's function gets beside its parameters."""

    def __init__(self, device, entry):
        self._device, self._entry, self._pausable = device, entry, entry.action.pausable
        self._end, self._why = threading.Event(), None
        self._wake, self._over = threading.Event(), threading.Event()  # paused or to end; ended
        self.blobs = []  # attached, in their order
        self.command_id, self.name = entry.cmd["id"], entry.cmd["name"]
        self.samples = entry.cmd.get("samples", [])  # of {"id": …, "slot": …}
        self.restarted = entry.again  # the device's process died at this command before
        self.checkpointed = entry.checkpoint  # the last checkpoint, or None
        self.params, self.timeout_s, self.upload = entry.params, entry.cmd.get("timeout_s"), entry.cmd.get("upload", {})

    @property
    def ending(self):
        """Whether the command is to end."""
        return self._end.is_set()

    def check(self):
        """Raises Interrupted when the command is to end."""
        if self._end.is_set():
            raise Interrupted(self._why)

    def sleep(self, seconds):
        """Waits; raises Interrupted at once when the command is to end. While a pausable command is paused it stands still."""
        if not self._pausable:
            self._end.wait(seconds)
            self.check()
            return
        until = time.monotonic() + seconds
        while True:
            stood = time.monotonic()
            self.hold()
            until += time.monotonic() - stood
            if time.monotonic() >= until:
                return
            self._wake.wait(until - time.monotonic())

    def hold(self):
        """Waits while the command is paused; for a pausable function that works without sleeping. Raises Interrupted when it is to end."""
        if self._pausable:
            self._device.stand_still(self._entry, self)
        self.check()

    def use(self, consumable, amount):
        """Takes an amount of a consumable, in its unit."""
        self._device.on_use(consumable, amount)

    def attach(self, name, data, media_type=""):
        """Adds raw data (bytes) to the command's end, under a name that the command declares."""
        self._device.on_attach(self, name, bytes(data), media_type)

    def progress(self, fraction):
        """Says how far the command is, from 0 to 1. It may be called often; ten a second are reported."""
        self._device.on_progress(self._entry, min(max(float(fraction), 0.0), 1.0))

    def checkpoint(self, value):
        """Writes value (JSON) down; a crash from here on resumes with it. Returns when it is on the disk."""
        self._device.on_checkpoint(self._entry, value)

    def interrupt(self, why):
        """Tells the function to end; the first reason counts."""
        if self._why is None:
            self._why = why
        self._end.set()
        self._wake.set()
        self._device.wake_all()

    def stall(self, paused):
        """Wakes the function to stand still, or lets it sleep on."""
        if paused or self._end.is_set():
            self._wake.set()
        else:
            self._wake.clear()

    def finish(self):
        """Says that the function has ended."""
        self._over.set()
        self._wake.set()

    @property
    def over(self):
        """Whether the function has ended, or is to."""
        return self._over.is_set() or self._end.is_set()

    def wait_over(self, seconds):
        self._over.wait(seconds)

    def wait_wake(self, seconds):
        self._wake.wait(seconds)


def verdict(ctx, action, params):
    """Runs a command's function, or its probe first, and returns its end; None when the device itself ends."""
    try:
        result = None
        if ctx.restarted and action.recovery == "probe":
            end, result, run = _probe(ctx, action)
            if end is not None:
                return end
        else:
            run = True
        if run:
            result = action.function(ctx, **params)
        return _done(result)
    except BaseException as err:  # one bad command must not take the device down
        if ctx._why == "shutdown":
            return None
        return _failure(ctx, err)


def _probe(ctx, action):
    """(end, None, False) when the probe decides, (None, result, run) when it does not."""
    lost = {"code": "power_loss", "error": "the power was lost at it"}
    try:
        found = action.probe(ctx)
        found, result = found if isinstance(found, tuple) else (found, None)
    except Interrupted:
        raise
    except Exception as err:
        return {**lost, "state": "in_doubt", "effect": "unknown", "error": clean(f"the power was lost at it, and the probe failed: {err!r}")}, None, False
    if found == "done":
        return None, result, False
    if found == "undone":
        return None, None, True
    if found == "partial":
        return {**lost, "state": "failed", "effect": "partial"}, None, False
    return {**lost, "state": "in_doubt", "effect": "unknown", "error": "the power was lost at it, and the probe could not tell"}, None, False


def _done(result):
    end = {"state": "done", "effect": "complete"}
    if result is None or result == {}:
        return end
    try:
        if not isinstance(result, dict):
            raise ValueError(f"{repr(result)[:40]} is not a dict")
        size = len(dump(result))
        if size > RESULT_MAX:
            raise ValueError(f"it has {size} bytes, at most {RESULT_MAX} are allowed")
    except (ValueError, TypeError, RecursionError) as err:
        return {"state": "failed", "code": "device_fault", "effect": "complete", "error": clean(f"it was done, and its result cannot be written: {err}")}
    return {**end, "result": result}


def _failure(ctx, err):
    end = {"state": "failed", "code": "device_fault", "effect": "unknown", "error": clean(f"{type(err).__name__}: {err}" if not isinstance(err, (Fault, InDoubt, Interrupted)) else str(err))}
    interrupted = err if isinstance(err, Interrupted) else err.__cause__ if isinstance(err.__cause__, Interrupted) else None
    if isinstance(err, InDoubt):
        end["state"] = "in_doubt"
    elif interrupted is not None and interrupted.why in ("cancelled", "stopped"):
        end["state"] = "cancelled" if interrupted.why == "cancelled" else "aborted"
        end["effect"] = "partial"
        del end["code"]
    elif interrupted is not None and interrupted.why == "orphaned":
        end.update(code="orphaned", effect="partial", retryable=True)
    elif interrupted is not None:
        end["code"] = "timeout"
    elif not isinstance(err, Fault):
        log.error("command %s failed:\n%s", ctx.command_id, "".join(traceback.format_exception(err)))
    if isinstance(err, Fault):
        end["effect"] = err.effect
        if err.retryable:
            end["retryable"] = True
        if end["state"] == "failed" and not interrupted:
            end["code"] = err.code
    return end


def clocked(function, *args):
    """Returns what function returns, and how many milliseconds it took."""
    began = time.monotonic()
    return function(*args), round((time.monotonic() - began) * 1000, 3)
