"""One campaign of another planner and the same one of Athanor, in one go.

    side_by_side.py --athanor bin/athanor --data TABLES --set NAME [--planner ax] [--budget 20]

Same table, starts, seed and budget, one after the other on one thread; prints
the processor time of a suggestion of each, and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--athanor", type=Path, required=True)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--set", required=True)
    p.add_argument("--planner", default="ax")
    p.add_argument("--budget", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()

    import torch

    torch.set_num_threads(1)
    import campaign
    import planners
    import tables

    common = [str(a.athanor), "bench", "planner", "--data", str(a.data), "--sets", a.set, "--seeds", str(a.seed), "--budget", str(a.budget)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*common, "--export", folder], check=True)
        (task,) = tables.tasks(Path(folder), [a.set])
    kind = planners.ALL[a.planner]
    if not kind.fits(task):
        p.error(f"{a.planner} cannot run on {a.set}: it needs every combination of levels")
    theirs = campaign.run(kind, task, a.seed)
    env = {**os.environ, "GOMAXPROCS": "1"}
    ours = json.loads(subprocess.run([*common, "--no-several", "--json"], check=True, capture_output=True, env=env).stdout)
    them, us = statistics.median(theirs["cpu_ms"]), ours["suggest_cpu_ms"]["p50"]
    print(json.dumps({
        "dataset": a.set, "table": task.table, "budget": task.budget, "seed": a.seed, "planner": a.planner, "version": theirs["version"],
        "suggestions": len(theirs["cpu_ms"]), "its_cpu_ms_p50": them, "its_cpu_ms_mean": statistics.fmean(theirs["cpu_ms"]),
        "athanor_cpu_ms_p50": us, "athanor_cpu_ms_p95": ours["suggest_cpu_ms"]["p95"], "ratio_p50": them / us,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
