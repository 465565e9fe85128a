"""Runs campaigns of other planners on exported tables and appends their traces.

    python campaign.py --tasks DIR --traces DIR --planners optuna-gp botorch --seeds 1-3

One line of JSON to a campaign, in TRACES/PLANNER.jsonl: what is there already
is not run again, so that the work can be stopped at any time and taken up.
Everything runs in this one process, on one thread.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

FORMAT = "athanor-bench-trace/1"
FREE_REPEATS = 20  # how often a repeated row is answered for nothing


def run(kind, task, seed: int) -> dict:
    """One campaign: the rows in the order in which they were measured, and the
    CPU milliseconds of each suggestion."""
    random.seed(seed)
    np.random.seed(seed)
    fallback = np.random.default_rng(seed)
    starts = task.starts[seed - 1]
    order: list[int] = []
    cpu: list[float] = []
    repeats = drawn = 0
    wall = 0.0
    begin, clock = time.process_time(), time.perf_counter()
    planner = kind(task, seed)
    for row in starts:
        order.append(row)
        planner.tell(row, float(task.gain[row]))
    setup = time.process_time() - begin
    wall += time.perf_counter() - clock
    while len(order) < task.budget:
        begin, clock = time.process_time(), time.perf_counter()
        row = planner.ask()
        for _ in range(FREE_REPEATS):
            if row not in order:
                break
            repeats += 1
            planner.tell(row, float(task.gain[row]))
            row = planner.ask()
        if row in order:
            drawn += 1
            row = int(fallback.choice([i for i in range(len(task.points)) if i not in set(order)]))
        cpu.append((time.process_time() - begin) * 1000)
        wall += time.perf_counter() - clock
        order.append(row)
        planner.tell(row, float(task.gain[row]))
    return {
        "format": FORMAT, "dataset": task.dataset, "table": task.table, "planner": kind.name,
        "version": f"{kind.package} {version(kind.package)}", "seed": seed, "starts": len(starts),
        "order": order, "cpu_ms": [round(c) for c in cpu], "setup_ms": round(setup * 1000), "wall_ms": round(wall * 1000),
        "repeats": repeats, "drawn": drawn,
    }


def done(path: Path, of: str = "table") -> set[tuple[str, int]]:
    """The campaigns that a file of traces holds, whole lines only: what they were
    run on, by the field that names it, and their seeds."""
    out = set()
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                t = json.loads(line)
            except ValueError:
                continue  # being written, or was when the process ended
            out.add((t[of], t["seed"]))
    return out


def mend(path: Path) -> None:
    """Drops a last line that was not written whole."""
    if not path.exists():
        return
    body = path.read_bytes()
    if body and not body.endswith(b"\n"):
        path.write_bytes(body[: body.rfind(b"\n") + 1])


def seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def chosen(p: argparse.ArgumentParser, names: list[str], planners: dict) -> list:
    """The planners of those names, all where there is none."""
    unknown = [n for n in names if n not in planners]
    if unknown:
        p.error(f"no planner {unknown}; there are {sorted(planners)}")
    return [planners[n] for n in names] or list(planners.values())


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tasks", type=Path, required=True, help="folder of NAME.task.json")
    p.add_argument("--traces", type=Path, required=True, help="folder to append PLANNER.jsonl in")
    p.add_argument("--planners", nargs="*", default=[], help="all by default")
    p.add_argument("--sets", nargs="*", default=[], help="all by default")
    p.add_argument("--seeds", type=seeds, default=seeds("1-50"), help="as 1-50; done in order, all planners and sets before the next seed")
    p.add_argument("--minutes", type=float, default=float("inf"), help="start no campaign after so long")
    a = p.parse_args()

    import torch

    torch.set_num_threads(1)
    import planners
    import tables

    kinds = chosen(p, a.planners, planners.ALL)
    todo = tables.tasks(a.tasks, a.sets)
    a.traces.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * a.minutes
    failures = 0
    have = {}
    for kind in kinds:
        mend(a.traces / f"{kind.name}.jsonl")
        have[kind.name] = done(a.traces / f"{kind.name}.jsonl")
    for seed in a.seeds:
        for kind in kinds:
            for task in todo:
                if not kind.fits(task) or seed > len(task.starts) or (task.table, seed) in have[kind.name]:
                    continue
                if time.monotonic() > end:
                    return 0
                try:
                    trace = run(kind, task, seed)
                except Exception as e:  # noqa: BLE001: one planner's fault must not end the others' work
                    failures += 1
                    print(f"{kind.name} {task.dataset} seed {seed}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
                    continue
                with open(a.traces / f"{kind.name}.jsonl", "a") as f:
                    f.write(json.dumps(trace, separators=(",", ":")) + "\n")
                    f.flush()
                    os.fsync(f.fileno())
                print(f"{kind.name:18} {task.dataset:24} seed {seed:2}  {trace['wall_ms'] / 1000:7.1f} s", flush=True)
                gc.collect()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
