"""Runs campaigns of other planners on the synthetic suite and appends their
traces.

    python suite_campaign.py --athanor bin/athanor --traces DIR --planners botorch --seeds 1-3

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

import suite
from campaign import FREE_REPEATS, chosen, done, mend, seeds

FORMAT = "athanor-bench-campaign/1"


def run(kind, problem: suite.Problem) -> dict:
    """One campaign: the points in the order in which they were measured, what
    was measured, and the CPU milliseconds of each suggestion."""
    random.seed(problem.seed)
    np.random.seed(problem.seed)
    points, outcomes, cpu = list(problem.starts), list(problem.outcomes), []
    repeats = drawn = 0
    begin, clock = time.process_time(), time.perf_counter()
    planner = kind(problem)
    for point, outcome in zip(points, outcomes):
        planner.tell(point, outcome)
    setup = time.process_time() - begin
    while len(points) < problem.budget:
        begin = time.process_time()
        point = planner.ask()
        # Without noise an experiment that was done has the answer that it had.
        for _ in range(0 if problem.noisy else FREE_REPEATS):
            if point not in points:
                break
            repeats += 1
            planner.tell(point, outcomes[points.index(point)])
            point = planner.ask()
        if not problem.noisy and point in points:
            drawn += 1
            rows = problem.spread(64, 1000 * problem.seed + len(points))
            point = next(p for p in map(problem.point, rows) if p not in points)
        cpu.append((time.process_time() - begin) * 1000)
        answer = problem.server.ask(do="measure", point=point)
        points.append(answer["point"])
        outcomes.append(answer["outcome"])
        begin = time.process_time()
        planner.tell(answer["point"], answer["outcome"])
        cpu[-1] += (time.process_time() - begin) * 1000
    return {
        "format": FORMAT, "problem": problem.name, "planner": kind.name, "version": f"{kind.package} {version(kind.package)}",
        "seed": problem.seed, "starts": len(problem.starts), "points": points, "outcomes": outcomes,
        "cpu_ms": [round(c) for c in cpu], "setup_ms": round(setup * 1000), "wall_ms": round((time.perf_counter() - clock) * 1000),
        "repeats": repeats, "drawn": drawn,
    }


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--athanor", type=Path, required=True, help="the program")
    p.add_argument("--traces", type=Path, required=True, help="folder to append PLANNER.jsonl in")
    p.add_argument("--planners", nargs="*", default=[], help="all by default")
    p.add_argument("--problems", nargs="*", default=[], help="all by default")
    p.add_argument("--seeds", type=seeds, default=seeds("1-10"), help="as 1-10; done in order, all problems before the next seed")
    p.add_argument("--minutes", type=float, default=float("inf"), help="start no campaign after so long")
    a = p.parse_args()

    import torch

    torch.set_num_threads(1)
    import suite_planners

    kinds = chosen(p, a.planners, suite_planners.ALL)
    server = suite.Server(a.athanor)
    names = a.problems or [q["name"] for q in server.ask(do="problems")["problems"]]
    a.traces.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        mend(a.traces / f"{kind.name}.jsonl")
    end = time.monotonic() + 60 * a.minutes
    failures = 0
    for seed in a.seeds:
        for kind in kinds:
            for name in names:
                path = a.traces / f"{kind.name}.jsonl"
                if (name, seed) in done(path, "problem"):  # read again: another process may work on the same folder
                    continue
                if time.monotonic() > end:
                    return 0
                problem = suite.Problem(server, name, seed)
                if not kind.fits(problem):
                    continue
                try:
                    trace = run(kind, problem)
                except Exception as e:  # noqa: BLE001: one planner's fault must not end the others' work
                    failures += 1
                    print(f"{kind.name} {name} seed {seed}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
                    continue
                if (name, seed) in done(path, "problem"):
                    continue
                with open(path, "a") as f:
                    f.write(json.dumps(trace, separators=(",", ":")) + "\n")
                    f.flush()
                    os.fsync(f.fileno())
                print(f"{kind.name:18} {name:24} seed {seed:2}  {trace['wall_ms'] / 1000:7.1f} s, {sum(trace['cpu_ms']) / 1000:7.1f} s of processor", flush=True)
                gc.collect()
    server.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
