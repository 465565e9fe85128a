"""What a device says beside the course of commands: alarms and telemetry."""
import logging
import math
import threading
import time

from .errors import Misuse
from .wire import Bad, clean, dump, read_alarm, valid_id, write_time

log = logging.getLogger("athanor.device")

BATCH_S, BATCH_ROWS, BATCH_VALUES = 1.0, 512, 8192
LEVELS = ("info", "warning", "error", "critical")


class Records:
    """The part of a Device that raises alarms and streams."""

    def __init__(self):
        self._alarms, self._streams = {}, {}

    def raise_alarm(self, code, level, text="", command=""):
        """Says that something is wrong that a person should know, until `clear_alarm`. Saying it again says nothing new."""
        if not valid_id(code) or level not in LEVELS:
            raise Misuse(f"alarm {code!r} has no code of letters, digits and ._:-, or level {level!r} is not one of {', '.join(LEVELS)}")
        with self._lock:
            was, text = self._alarms.get(code), clean(text)
            if was and (was["level"], was.get("text", "")) == (level, text):
                return
            alarm = {"code": code, "level": level, "text": text, "since": was["since"] if was else write_time(self._clock.count()), "boot": max(1, self._memory.boot)}
            self._alarms[code] = {**alarm, "cmd": command} if command else alarm
            if self._link:
                self._link.alarm(code)

    def clear_alarm(self, code):
        """Takes an alarm back."""
        with self._lock:
            if self._alarms.pop(code, None) and self._link:
                self._link.alarm(code)

    def raised(self):
        """The codes of the alarms that stand."""
        with self._lock:
            return sorted(self._alarms)

    def alarm_message(self, code):
        """What is retained for a code: (topic, payload)."""
        with self._lock:
            alarm = self._alarms.get(code)
            return self._topic("alarm/" + code), dump(alarm) if alarm else b""

    def _on_alarm(self, code, payload):
        """Hears what is retained in the device's name: what a process that is gone left behind is cleared."""
        with self._lock:
            mine, theirs = self._alarms.get(code), None
            if not payload:
                if mine:
                    self._link.alarm(code)
                return
            try:
                theirs = read_alarm(payload)
            except Bad:
                pass
            same = mine and theirs and all(mine.get(k) == theirs.get(k) for k in ("boot", "level", "text"))
            if not same and (theirs is None or theirs["boot"] <= self._memory.boot):
                self._link.alarm(code)

    def stream(self, name, **columns):
        """Declares telemetry, before `start`: a column is a Q with its unit and what the sensor can say."""
        if not valid_id(name) or not columns or any("unit" not in q.schema for q in columns.values()):
            raise Misuse(f"stream {name!r} has no name, no columns, or one without a unit; a bare number has the unit 1")
        self._streams[name] = Stream(self, name, columns)
        return self._streams[name]


class Stream:
    """Rows of numbers that are said in batches, at least once a second, each once or never."""

    def __init__(self, device, name, columns):
        self._device, self._name = device, name
        self.columns = columns
        self._lock, self._n, self._timer = threading.Lock(), 0, None
        self._rows, self._dt, self._t0, self._command = [], [], None, None

    def add(self, ctx=None, **values):
        """Adds a row, a value to a column; ctx says which command it belongs to."""
        if set(values) != set(self.columns):
            raise ValueError(f"row {sorted(values)} of stream {self._name}: want {sorted(self.columns)}")
        row = {k: float(v) for k, v in values.items()}
        if not all(map(math.isfinite, row.values())):
            raise ValueError(f"row {row} of stream {self._name} has what is no number")
        command = ctx.command_id if ctx else None
        with self._lock:
            if self._rows and (command != self._command or len(self._rows) >= min(BATCH_ROWS, BATCH_VALUES // len(self.columns))):
                self._send()
            now = self._device._clock.count()
            if not self._rows:
                self._t0, self._command = now, command
                self._arm()
            self._rows.append(row)
            self._dt.append(max(0.0, round((now - self._t0) * 1000, 3)))

    def _arm(self):
        self._timer = threading.Timer(BATCH_S, self.flush)
        self._timer.daemon = True
        self._timer.start()

    def flush(self):
        """Says what was added, now."""
        with self._lock:
            if self._rows:
                self._send()

    def _send(self):
        self._timer.cancel()
        if self._device._link is None and len(self._rows) < BATCH_ROWS:  # before start: it waits
            return self._arm()
        self._n += 1
        start = int(self._t0 * 1000) / 1000  # as it is written
        batch = {
            "boot": max(1, self._device._memory.boot), "n": self._n, "t0": write_time(start), "dt_ms": self._dt,
            "v": {k: [r[k] for r in self._rows] for k in self.columns}, "u": {k: q.schema["unit"] for k, q in self.columns.items()},
        }
        if self._command:
            batch["cmd"] = self._command
        self._rows, self._dt = [], []
        if self._device._link:
            self._device._link.telemetry(self._device._topic("tm/" + self._name), dump(batch))
        return None
