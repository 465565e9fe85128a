"""The messages of LDP/1, read strictly.

`cmd` and `ctl` are closed: an unknown field is refused, so nothing that matters
for safety is passed over. Nothing accepts a repeated key, a number beyond
float64, text that is not UTF-8, nesting deeper than 64, or null for what could
be left out.
"""
import json
import math
import re
import unicodedata
from datetime import datetime, timedelta, timezone

MAX_MESSAGE = 64 << 10  # bytes of cmd and ctl
MAX_SMALL = 4 << 10  # bytes of conn, beat and stop
MAX_CHUNK, CHUNK, CHUNKS = 64 << 10, (64 << 10) - 40, 4096  # bytes of a message with raw data, of the data in it; chunks of a blob
TERMINAL = frozenset({"done", "failed", "cancelled", "aborted", "rejected", "expired", "in_doubt"})

_DEPTH = 64
_TEXT = 2000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Bad(ValueError):
    """A message is not of the contract. `id` is its id as far as it could be read, or None."""

    id = None


def valid_id(text):
    """Whether text can be an id or a name."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def parse(payload, limit):
    """Reads one JSON object of at most `limit` bytes."""
    if len(payload) > limit:
        raise Bad(f"{len(payload)} bytes, at most {limit} are allowed")
    try:
        value = json.loads(payload.decode("utf-8"), object_pairs_hook=_unique, parse_float=_finite, parse_int=_whole, parse_constant=_constant)
    except RecursionError:
        raise Bad(f"it nests deeper than {_DEPTH}") from None
    except UnicodeDecodeError:
        raise Bad("the text is not UTF-8") from None
    except ValueError as err:
        raise Bad(str(err)) from None
    if not isinstance(value, dict):
        raise Bad("it is not an object")
    _check_depth(value)
    return value


def _unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Bad("a key is repeated")
    return members


def _finite(text):
    value = float(text)
    if math.isinf(value):
        raise Bad(f"the number {text[:20]} is beyond float64")
    return value


def _whole(text):
    _finite(text)
    return int(text) if len(text) < 400 else float(text)


def _constant(text):
    raise Bad(f"{text} is not JSON")


def _check_depth(value):
    level, depth = [value], 0
    while level:
        if depth > _DEPTH:
            raise Bad(f"it nests deeper than {_DEPTH}")
        inner = []
        for v in level:
            inner.extend(v.values() if isinstance(v, dict) else v if isinstance(v, list) else ())
        level, depth = inner, depth + 1


def _is_int(v):
    return isinstance(v, int) and not isinstance(v, bool) and -(2**63) <= v < 2**63


def _is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def _is_texts(v):
    return isinstance(v, list) and all(isinstance(x, str) for x in v)


def _is_samples(v):
    return isinstance(v, list) and all(isinstance(s, dict) and all(isinstance(s.get(k, ""), str) for k in ("id", "slot")) for s in v)


def _is_upload(v):
    return isinstance(v, dict) and all(isinstance(v.get(k, ""), str) for k in ("href", "token"))


def _is_time(v):
    return isinstance(v, str) and read_time(v) is not None


_TEXTUAL = (lambda v: isinstance(v, str), "a text")
_WHOLE = (_is_int, "a whole number")
_NUMBER = (_is_number, "a number")
_INSTANT = (_is_time, "a time as in 2026-01-02T03:04:05Z")
_CMD = {
    "id": _TEXTUAL, "name": _TEXTUAL, "epoch": _WHOLE, "issued": _INSTANT, "expires": _INSTANT, "timeout_s": _NUMBER,
    "after": (_is_texts, "a list of ids"), "params": (lambda v: isinstance(v, dict), "an object"),
    "samples": (_is_samples, "a list of objects with an id and a slot"), "traceparent": _TEXTUAL,
    "upload": (_is_upload, "an object with href and token"), "sig": _TEXTUAL,
}
_CTL = {
    "id": _TEXTUAL, "op": _TEXTUAL, "target": _TEXTUAL, "epoch": _WHOLE, "holder": _TEXTUAL, "ttl_s": _NUMBER, "outcome": _TEXTUAL,
    "by": _TEXTUAL, "reason": _TEXTUAL, "sha256": _TEXTUAL, "missing": (lambda v: isinstance(v, list) and all(map(_is_int, v)), "a list of whole numbers"),
}
_BEAT = {"ts": _INSTANT, "seq": _WHOLE, "orc": _TEXTUAL, "epoch": _WHOLE}
_CONN = {"state": (lambda v: v in ("online", "offline", "lost"), "online, offline or lost"), "boot": _WHOLE}
_ALARM = {"code": (lambda v: valid_id(v), "a code"), "level": _TEXTUAL, "text": _TEXTUAL, "since": _INSTANT, "boot": _WHOLE, "cmd": _TEXTUAL}
_STOP = {"latched": (lambda v: isinstance(v, bool), "true or false"), "id": _TEXTUAL, "by": _TEXTUAL, "reason": _TEXTUAL, "ts": _INSTANT}


def _fields(message, spec, required, closed):
    for name in required:
        if name not in message:
            raise Bad(f"{name} is missing")
    for name, value in message.items():
        if name not in spec:
            if closed:
                raise Bad(f"{name[:40]!r} is not a field of it")
            continue
        right, what = spec[name]
        if not right(value):
            raise Bad(f"{name} is not {what}")


def read_cmd(payload):
    """Reads a command. A Bad has the id, if there is one to answer."""
    given = None
    try:
        if len(payload) <= MAX_MESSAGE:
            given = _glimpse(payload)
        cmd = parse(payload, MAX_MESSAGE)
        _fields(cmd, _CMD, ("id", "name", "epoch", "params"), closed=True)
        _check_cmd(cmd)
        return cmd
    except Bad as err:
        err.id = given if valid_id(given) else None
        raise


def _glimpse(payload):
    """The id of a command that may be refused for the rest."""
    try:
        members = json.loads(payload.decode("utf-8", "replace"))
        return members.get("id") if isinstance(members, dict) else None
    except (ValueError, RecursionError):
        return None


def _check_cmd(cmd):
    if not valid_id(cmd["id"]):
        raise Bad("id is not letters, digits and ._:- (at most 128)")
    if not valid_id(cmd["name"]):
        raise Bad("name is not letters, digits and ._:- (at most 128)")
    if cmd["epoch"] < 1:
        raise Bad(f"epoch {cmd['epoch']} is below 1")
    if "timeout_s" in cmd and not cmd["timeout_s"] > 0:
        raise Bad(f"timeout_s {cmd['timeout_s']} is not above 0")
    if len(cmd.get("after", ())) > 64:
        raise Bad("after has more than 64 ids")
    if len(cmd.get("samples", ())) > 256:
        raise Bad("more than 256 samples")
    if not all(map(valid_id, cmd.get("after", ()))):
        raise Bad("after names something that is no id")
    if not all(s.get("id") for s in cmd.get("samples", ())):
        raise Bad("a sample has no id")
    if cmd.get("traceparent") and not _TRACE.fullmatch(cmd["traceparent"]):
        raise Bad("traceparent is not of the form 00-<32 hex>-<16 hex>-<2 hex>")


def read_ctl(payload):
    """Reads an operation beside the queue of commands."""
    ctl = parse(payload, MAX_MESSAGE)
    _fields(ctl, _CTL, ("id", "op"), closed=True)
    if not valid_id(ctl["id"]):
        raise Bad("id is not letters, digits and ._:- (at most 128)")
    if "target" in ctl and not valid_id(ctl["target"]):
        raise Bad("target is no id")
    op, epoch = ctl["op"], ctl.get("epoch", 0)
    if op == "lease" and not (epoch >= 1 and 0 < len(ctl.get("holder", "")) <= 128 and 0 < ctl.get("ttl_s", 0) <= 7 * 86400):
        raise Bad("lease needs epoch from 1, a holder, and ttl_s above 0 and up to a week")
    if op == "release" and epoch < 1:
        raise Bad("release needs the epoch of the lease")
    if op in ("cancel", "resolve", "blob_missing") and "target" not in ctl and not (op == "blob_missing" and "missing" in ctl):
        raise Bad(f"{op} needs the target's id")
    if op == "blob_missing" and not _SHA256.fullmatch(ctl.get("sha256", "")):
        raise Bad("blob_missing needs sha256 in small hexadecimal letters")
    if op == "blob_missing" and not all(0 <= i < CHUNKS for i in ctl.get("missing", ())):
        raise Bad(f"missing names a chunk that is not from 0 below {CHUNKS}")
    if op == "resolve" and not (ctl.get("by") and ctl.get("outcome") in ("done", "failed")):
        raise Bad("resolve needs target, by, and the outcome done or failed")
    if op not in ("lease", "release", "cancel", "pause", "resume", "stop", "reset", "resolve", "status", "recall", "blob_missing"):
        raise Bad(f"op {op[:40]!r} is not of the contract")
    return ctl


def write_chunk(total, index, count, data):
    """A piece of raw data as a message: the SHA-256 of the whole, the index and the number of pieces, and the piece."""
    if not 0 <= index < count <= CHUNKS or not 0 < len(data) <= CHUNK or index < count - 1 and len(data) != CHUNK:
        raise ValueError(f"chunk {index} of {count} has {len(data)} bytes; want {CHUNK}, in the last from 1, and at most {CHUNKS} chunks")
    return bytes.fromhex(total) + index.to_bytes(4, "big") + count.to_bytes(4, "big") + data


def read_beat(payload):
    """Reads a cell's beat."""
    beat = parse(payload, MAX_SMALL)
    _fields(beat, _BEAT, ("ts", "seq"), closed=False)
    return beat


def read_conn(payload):
    """Reads a device's birth or death."""
    conn = parse(payload, MAX_SMALL)
    _fields(conn, _CONN, ("state", "boot"), closed=False)
    if conn["boot"] < 1:
        raise Bad(f"boot {conn['boot']} is below 1")
    return conn


def read_alarm(payload):
    """Reads an alarm."""
    alarm = parse(payload, MAX_SMALL)
    _fields(alarm, _ALARM, ("code", "level", "since", "boot"), closed=False)
    return alarm


def read_stop(payload):
    """Reads the lab's stop request; nothing at all is one that was taken back."""
    if not payload:
        return {"latched": False, "id": "", "by": ""}
    stop = parse(payload, MAX_SMALL)
    _fields(stop, _STOP, ("latched", "id", "by"), closed=False)
    if not valid_id(stop["id"]):
        raise Bad("id is no id")
    return stop


def read_time(text):
    """The instant of an RFC 3339 text in seconds since 1970, or None."""
    m = _TIME.fullmatch(text)
    if not m:
        return None
    try:
        t = datetime(*map(int, m.group(1, 2, 3, 4, 5, 6)), tzinfo=timezone.utc)
        if m.group(8):
            hours, minutes = int(m.group(9)), int(m.group(10))
            if hours > 23 or minutes > 59:
                return None
            t -= timedelta(hours=hours, minutes=minutes) * (1 if m.group(8) == "+" else -1)
    except (ValueError, OverflowError):
        return None
    # Not timestamp(): the arithmetic holds for every year.
    return (t - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() + float(m.group(7) or 0)


def write_time(seconds):
    """The RFC 3339 text of an instant, to the millisecond, in UTC."""
    t = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=int(seconds * 1000))
    return t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clean(text):
    """Makes a text fit to show: no control characters, at most 2,000 characters."""
    text = "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else " " for c in str(text))
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def dump(value):
    """Writes JSON for the wire. What is not JSON, NaN among it, is a ValueError."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
