"""Parameters and results: their description by annotations, and what is held against it."""
import inspect
import math

from .errors import Misuse, Refusal
from .wire import valid_id


class Q:
    """A quantity: a number with its UCUM unit and limits, both allowed.

    Q("Cel", 20, 1200) is a temperature; Q("1", 1, 96, whole=True) a count.
    """

    def __init__(self, unit, minimum=None, maximum=None, whole=False):
        for limit in (minimum, maximum):
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit)):
                raise Misuse(f"limit {limit!r} of a quantity is not a finite number")
        if not isinstance(unit, str) or len(unit) > 64:
            raise Misuse(f"unit {unit!r} of a quantity is not a UCUM code of at most 64 characters")
        self.schema = {"type": "integer" if whole else "number"}
        for key, value in (("unit", unit or None), ("minimum", minimum), ("maximum", maximum)):
            if value is not None:
                self.schema[key] = value


class Text:
    """A text, one of those given: Text("N2", "Ar")."""

    def __init__(self, *allowed):
        self.schema = {"type": "string"}
        if allowed:
            self.schema["enum"] = list(allowed)


_PLAIN = {float: {"type": "number"}, int: {"type": "integer"}, str: {"type": "string"}, bool: {"type": "boolean"}}
_RESULTS = {**_PLAIN, list: {"type": "array"}, dict: {"type": "object"}}


def _schema_of(annotation, plain, where):
    if isinstance(annotation, (Q, Text)):
        return dict(annotation.schema)
    try:
        return dict(plain[annotation])
    except (KeyError, TypeError):
        right = ", ".join(t.__name__ for t in plain)
        raise Misuse(f"{where} has no description: annotate it with Q(unit, minimum, maximum), Text(...), or {right}") from None


def describe_params(function):
    """The parameters of a function, its first aside: {name: schema}, and the names that are required."""
    params = list(inspect.signature(function, eval_str=True).parameters.values())
    if not params:
        raise Misuse(f"command {function.__name__}: its function has no first parameter for the context")
    described, required = {}, []
    for p in params[1:]:
        where = f"parameter {p.name} of command {function.__name__}"
        if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
            raise Misuse(f"{where} is not an ordinary parameter")
        schema = _schema_of(p.annotation, _PLAIN, where)
        if p.default is p.empty:
            required.append(p.name)
        elif p.default is not None:
            try:
                _check_value(schema, p.default)
            except ValueError as err:
                raise Misuse(f"default of {where}: {err}") from None
            schema["default"] = p.default
        described[p.name] = schema
    return described, required


def describe_results(function):
    """The results of a function, from an annotation such as {"temperature": Q("Cel")}."""
    annotation = inspect.signature(function, eval_str=True).return_annotation
    if annotation in (inspect.Signature.empty, None):
        return {}
    if not isinstance(annotation, dict):
        raise Misuse(f'results of command {function.__name__}: annotate them as in -> {{"temperature": Q("Cel")}}')
    return {name: _schema_of(a, _RESULTS, f"result {name} of command {function.__name__}") for name, a in annotation.items()}


def check_params(described, required, given):
    """Holds parameters against their description and returns them with defaults. Raises Refusal."""
    checked = {}
    for name in given:
        if name not in described:
            raise Refusal("bad_params", f"params.{name[:40]}: there is no such parameter; there are {', '.join(described) or 'none'}")
    for name, schema in described.items():
        if name in given:
            try:
                checked[name] = _check_value(schema, given[name])
            except ValueError as err:
                raise Refusal("bad_params", f"params.{name}: {err}") from None
        elif "default" in schema:
            checked[name] = schema["default"]
        elif name in required:
            raise Refusal("bad_params", f"params.{name}: it is missing; give {_wanted(schema)}")
    return checked


def _check_value(schema, value):
    kind = schema["type"]
    shown = repr(value)[:40]
    if kind in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{shown} is not a number; give {_wanted(schema)}")
        if kind == "integer":
            if value != int(value) or abs(value) > 2**53:
                raise ValueError(f"{shown} is not a whole number; give {_wanted(schema)}")
            value = int(value)
        else:
            value = float(value)
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            raise ValueError(f"{shown} {schema.get('unit', '')} is beyond the limits; give {_wanted(schema)}")
    elif kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError(f"{shown} is not true or false")
    else:
        if not isinstance(value, str):
            raise ValueError(f"{shown} is not a text; give {_wanted(schema)}")
        if value not in schema.get("enum", (value,)):
            raise ValueError(f"{shown} is not allowed; give {_wanted(schema)}")
    return value


def _wanted(schema):
    """What would be right."""
    allowed = schema.get("enum")
    if allowed:
        return f"one of {len(allowed)} texts such as {allowed[0]}" if len(allowed) > 8 else "one of " + ", ".join(allowed)
    text = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}.get(schema["type"], "a text")
    if "minimum" in schema:
        text += f" from {schema['minimum']:g}"
    if "maximum" in schema:
        text += f" up to {schema['maximum']:g}"
    if schema.get("unit", "1") != "1":
        text += " " + schema["unit"]
    return text


RECOVERY = ("repeat", "resume", "probe", "manual")


class Action:
    """A command with its function and what becomes of it when something dies."""

    def __init__(self, function, name, recovery, orphan, typical_s, alongside, probe, example, pausable=False, calibration=(), needs=None, blobs=(),
                 optional=()):
        self.calibration, self.needs, self.blobs, self.optional = list(calibration), dict(needs or {}), list(blobs), optional
        self.pausable = pausable or orphan is not None and orphan[0] == "pause"
        self.function, self.name, self.recovery, self.probe, self.alongside = function, name, recovery, probe, alongside
        self.orphan, self.typical_s, self.example = orphan, typical_s, example
        if not valid_id(name):
            raise Misuse(f"command {name!r}: its name is not letters, digits and ._:-")
        if recovery not in RECOVERY:
            raise Misuse(f"command {name}: recovery {recovery!r} is not one of {', '.join(RECOVERY)}")
        if (recovery == "probe") != (probe is not None):
            raise Misuse(f"command {name}: recovery probe and a probe function go together")
        if orphan is not None and (orphan[0] not in ("finish", "pause", "stop") or orphan[1] < 0):
            raise Misuse(f'command {name}: orphan {orphan!r} is not as in ("finish", 600): finish, pause or stop after seconds')
        self.params, self.required = describe_params(function)
        self.results = describe_results(function)
        if example is not None:
            try:
                self.check(example)
            except Refusal as err:
                raise Misuse(f"example of command {name}: {err}") from None

    def check(self, params):
        return check_params(self.params, self.required, params)

    def describe(self, form):
        """The action of the Thing Description. Its input is the whole command, since one topic serves all."""
        params = {"type": "object", "required": self.required, "properties": self.params}
        action = {
            "input": {"type": "object", "required": ["id", "name", "epoch", "params"], "properties": {
                "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"}, "name": {"const": self.name},
                "epoch": {"type": "integer", "minimum": 1}, "expires": {"type": "string", "format": "date-time"}, "params": params}},
            "output": {"type": "object", "required": [r for r in self.results if r not in self.optional], "properties": self.results},
            "safe": False, "idempotent": self.recovery == "repeat", "ldp:recovery": self.recovery,
        }
        if self.orphan is not None:
            action["ldp:orphan"] = {"after_s": self.orphan[1], "action": self.orphan[0]}
        if self.typical_s:
            action["ldp:duration"] = {"typ_s": self.typical_s}
        if self.pausable:
            action["ldp:pausable"] = True
        requires = {}
        if self.calibration:
            requires["calibration"] = self.calibration
        if self.needs:
            requires["consumables"] = [{"name": n, "amount": a} for n, a in self.needs.items()]
        if requires:
            action["ldp:requires"] = requires
        if self.blobs:
            action["ldp:blobs"] = self.blobs
        if self.example is not None:
            action["ldp:example"] = self.example
        action["forms"] = [form]
        return action
