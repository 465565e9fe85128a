"""Campaigns of the synthetic suite, run by `athanor bench planner --serve`.

No function is written down here: the program answers each experiment, gives the
starts, and says which settings are allowed. A point is a list with a value to a
parameter; a row is the same as numbers: 0 to 1 between a number's bounds, the
index of a level, the fractions of a composition.
"""

from __future__ import annotations

import bisect
import json
import math
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np


class Server:
    """The program that does the experiments."""

    def __init__(self, athanor: Path):
        self.process = subprocess.Popen(
            [str(athanor), "bench", "planner", "--synthetic", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the program ended when asked to {request['do']}")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str  # "continuous", "integer", "discrete", "categorical" or "composition"
    low: float
    high: float
    levels: list  # of a categorical or discrete one, the parts of a composition
    log: bool
    most: int  # parts of a composition that may be there
    step: float  # its grid
    column: int  # the first in a row
    width: int

    @cached_property
    def values(self) -> list[float]:
        """What an integer or discrete parameter can be, or the levels' indices."""
        if self.type == "integer":
            return [float(v) for v in range(int(self.low), int(self.high) + 1)]
        return [float(i) for i in range(len(self.levels))] if self.type == "categorical" else self.levels

    def unit(self, v: float) -> float:
        if self.log:
            return math.log(v / self.low) / math.log(self.high / self.low)
        return (v - self.low) / (self.high - self.low)

    def natural(self, u: float) -> float:
        u = min(1.0, max(0.0, u))
        v = self.low * (self.high / self.low) ** u if self.log else self.low + u * (self.high - self.low)
        if self.type in ("integer", "discrete"):
            k = bisect.bisect_left(self.values, v)
            return min(self.values[max(0, k - 1) : k + 1], key=lambda w: abs(w - v))
        return min(self.high, max(self.low, v))


class Problem:
    """An open campaign: what a planner may know of it."""

    def __init__(self, server: Server, name: str, seed: int):
        d = server.ask(do="open", problem=name, seed=seed)
        self.server, self.name, self.seed = server, name, seed
        self.budget: int = d["budget"]
        self.objectives = [o["name"] for o in d["objectives"]]  # all to be maximised
        self.constraints: list[dict] = d["constraints"]
        self.starts, self.outcomes = d["points"], d["outcomes"]
        self.noisy, self.failing = d["noisy"], d["may_fail"]
        self.parameters: list[Parameter] = []
        column = 0
        for p in d["parameters"]:
            levels = p.get("levels") or p.get("values") or p.get("parts") or []
            low, high = p.get("min"), p.get("max")
            if p["type"] == "discrete":
                low, high = min(levels), max(levels)
            if p["type"] in ("categorical", "composition"):
                low, high = 0.0, 1.0
            width = len(levels) if p["type"] == "composition" else 1
            self.parameters.append(Parameter(
                p["name"], p["type"], float(low), float(high), levels, p.get("scale") == "log",
                p.get("max_nonzero", width), p.get("step", 0.001), column, width,
            ))
            column += width
        self.width = column

    # What the space is made of.

    @property
    def types(self) -> set[str]:
        return {p.type for p in self.parameters}

    @property
    def composition(self) -> Parameter | None:
        return next((p for p in self.parameters if p.type == "composition"), None)

    @property
    def linear(self) -> list[tuple[np.ndarray, float]]:
        """Linear constraints of rows: coefficients, and the most of their sum."""
        out = []
        for c in self.constraints:
            if "linear" in c:
                a, most = np.zeros(self.width), c["at_most"]
                for k, p in zip(c["linear"], self.parameters):
                    a[p.column] = k * (p.high - p.low)
                    most -= k * p.low
                out.append((a, most))
        return out

    @property
    def all_linear(self) -> bool:
        return all("linear" in c for c in self.constraints)

    def slacks(self, point: list) -> list[float]:
        """How far each constraint is broken: up to 0 it is met."""
        names = {p.name: v for p, v in zip(self.parameters, point)} | {"pi": lambda: math.pi}
        out = []
        for c in self.constraints:
            left, sign, right = c["expr"].partition("<=")
            if not sign:
                right, _, left = c["expr"].partition(">=")
            out.append(eval(left, {"__builtins__": {}}, names) - eval(right, {"__builtins__": {}}, names))
        return out

    # Points and rows.

    def row(self, point: list) -> np.ndarray:
        out = np.zeros(self.width)
        for p, v in zip(self.parameters, point):
            if p.type == "composition":
                out[p.column : p.column + p.width] = v
            else:
                out[p.column] = p.levels.index(v) if p.type == "categorical" else p.unit(v)
        return out

    def point(self, row) -> list:
        out = []
        for p in self.parameters:
            if p.type == "composition":
                out.append(self.mix(p, np.asarray(row[p.column : p.column + p.width], dtype=float)))
            elif p.type == "categorical":
                out.append(p.levels[int(round(float(row[p.column])))])
            else:
                out.append(p.natural(float(row[p.column])))
        return out

    @staticmethod
    def mix(p: Parameter, x: np.ndarray) -> list[float]:
        """The composition on the grid that is nearest, by largest remainder."""
        x = np.maximum(x, 0)
        x[np.argsort(-x)[p.most :]] = 0
        steps = round(1 / p.step)
        share = x / x.sum() * steps
        n = np.floor(share + 1e-9)
        for i in np.argsort(-(share - n) * (x > 0), kind="stable")[: int(steps - n.sum())]:
            n[i] += 1
        return [float(v) for v in n / steps]

    def allowed(self, points: list[list]) -> np.ndarray:
        if not self.constraints:
            return np.ones(len(points), dtype=bool)
        return np.array(self.server.ask(do="allowed", points=points)["allowed"], dtype=bool)

    def spread(self, n: int, seed: int) -> np.ndarray:
        """At least n allowed rows, evenly spread, on what can be set."""
        from scipy.stats import qmc

        sobol, rows = qmc.Sobol(self.width, seed=seed), []
        for _ in range(64):
            points = [self.point(r) for r in self.fill(sobol.random(n))]
            rows += [self.row(x) for x, ok in zip(points, self.allowed(points)) if ok]
            if len(rows) >= n:
                break
        return np.array(rows)

    def fill(self, u: np.ndarray) -> np.ndarray:
        """Rows for points of the unit cube."""
        out = u.copy()
        for p in self.parameters:
            if p.type == "categorical":
                out[:, p.column] = np.minimum(len(p.levels) - 1, np.floor(u[:, p.column] * len(p.levels)))
            elif p.type in ("integer", "discrete"):
                k = np.minimum(len(p.values) - 1, np.floor(u[:, p.column] * len(p.values))).astype(int)
                out[:, p.column] = np.array([p.unit(v) for v in p.values])[k]
            elif p.type == "composition":
                block = slice(p.column, p.column + p.width)
                e = -np.log1p(-np.minimum(u[:, block], 1 - 1e-12)) + 1e-300
                out[:, block] = e / e.sum(axis=1, keepdims=True)
        return out

    def near(self, rows: np.ndarray, n: int, h: float, rng: np.random.Generator) -> np.ndarray:
        """Allowed rows about h away from the given ones."""
        out = rows[rng.integers(len(rows), size=n)].copy()
        for p in self.parameters:
            block = slice(p.column, p.column + p.width)
            if p.type == "categorical":
                change = rng.random(n) < 0.2
                out[change, p.column] = rng.integers(len(p.levels), size=int(change.sum()))
                continue
            move = rng.random(n) < max(0.3, 1 / self.width) if p.type != "composition" else np.ones(n, dtype=bool)
            out[move, block] = np.clip(out[move, block] + h * rng.standard_normal((int(move.sum()), p.width)), 0, 1)
        points = [self.point(r) for r in out if self.composition is None or r.sum() > 0]
        return np.array([self.row(x) for x, ok in zip(points, self.allowed(points)) if ok]).reshape(-1, self.width)
