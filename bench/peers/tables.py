"""Tables of experiments as `athanor bench planner --export DIR` writes them.

A task is one table: every point that exists, what was measured there, and the
starting rows of each seed. Rows count from 0 and mean the same to Athanor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

FORMAT = "athanor-bench-task/1"


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str  # "continuous", "integer", "discrete" or "categorical"
    low: float | None
    high: float | None
    levels: list  # of a discrete or categorical parameter
    descriptors: np.ndarray | None  # a row to a level
    log: bool

    @property
    def categorical(self) -> bool:
        return self.type == "categorical"

    @property
    def bounds(self) -> tuple[float, float]:
        if self.low is not None and self.high is not None:
            return float(self.low), float(self.high)
        return float(min(self.levels)), float(max(self.levels))


class Task:
    def __init__(self, path: Path):
        d = json.loads(path.read_text())
        if d["format"] != FORMAT:
            raise SystemExit(f"{path}: format is {d['format']!r}; this reads {FORMAT!r}: export the tasks again")
        self.dataset: str = d["dataset"]
        self.table: str = d["table"]
        self.budget: int = d["budget"]
        self.factorial: bool = d["factorial"]
        self.starts: list[list[int]] = d["starts"]
        self.values = np.array(d["values"], dtype=float)
        self.gain = self.values if d["direction"] == "maximize" else -self.values  # always to be maximised
        self.parameters = [
            Parameter(
                p["name"], p["type"], p.get("low"), p.get("high"), p.get("levels") or p.get("values") or [],
                np.array(p["descriptors"], dtype=float) if p.get("descriptors") else None, p.get("log", False),
            )
            for p in d["parameters"]
        ]
        self.points: list[list] = d["points"]
        self.row_of = {tuple(p): i for i, p in enumerate(self.points)}

    @cached_property
    def index(self) -> np.ndarray:
        """Points with the index of its level for a categorical parameter."""
        out = np.empty((len(self.points), len(self.parameters)))
        for j, p in enumerate(self.parameters):
            place = {level: i for i, level in enumerate(p.levels)} if p.categorical else None
            out[:, j] = [place[x[j]] if place is not None else float(x[j]) for x in self.points]
        return out

    @cached_property
    def unit(self) -> np.ndarray:
        """`index` with numbers scaled to the unit interval by their declared bounds."""
        out = self.index.copy()
        for j, p in enumerate(self.parameters):
            if p.categorical:
                continue
            low, high = p.bounds
            if p.log and low > 0:
                out[:, j], low, high = np.log(out[:, j]), np.log(low), np.log(high)
            out[:, j] = (out[:, j] - low) / (high - low) if high > low else 0.0
        return out

    @cached_property
    def one_hot(self) -> np.ndarray:
        """`unit` with a column to a level in place of each categorical parameter."""
        columns = []
        for j, p in enumerate(self.parameters):
            if p.categorical:
                columns.append(np.eye(len(p.levels))[self.index[:, j].astype(int)])
            else:
                columns.append(self.unit[:, j : j + 1])
        return np.hstack(columns)

    @property
    def has_categories(self) -> bool:
        return any(p.categorical for p in self.parameters)

    @property
    def has_descriptors(self) -> bool:
        return any(p.descriptors is not None for p in self.parameters)

    def nearest_free(self, point: list, done: set[int]) -> int:
        """The row not yet measured that is nearest: scaled L2 plus Hamming."""
        d = np.zeros(len(self.points))
        for j, p in enumerate(self.parameters):
            if p.categorical:
                d += self.index[:, j] != p.levels.index(point[j])
                continue
            low, high = p.bounds
            v = float(point[j])
            if p.log and low > 0:
                v, low, high = np.log(v), np.log(low), np.log(high)
            d += (self.unit[:, j] - (v - low) / (high - low if high > low else 1.0)) ** 2
        d[list(done)] = np.inf
        return int(np.argmin(d))


def tasks(folder: Path, names: list[str]) -> list[Task]:
    files = sorted(folder.glob("*.task.json"))
    if names:
        files = [f for f in files if f.name.removesuffix(".task.json") in names]
    if not files:
        raise SystemExit(f"{folder} holds no task: write them with athanor bench planner --data DIR --export {folder}")
    return [Task(f) for f in files]
