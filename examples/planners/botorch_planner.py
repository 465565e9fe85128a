"""A planner for Athanor in another process: BoTorch behind HTTP.

    pip install botorch==0.18.1
    python botorch_planner.py --port 9000
    athanor up --planner-plugin botorch=http://127.0.0.1:9000/plan

A campaign asks for it with  plan: {planner: "plugin:botorch"}. A Brief comes in
as JSON and a Plan goes out (docs/formats/plan-1.md). Athanor checks the answer
and plans by itself where it is late or wrong, so this program only has to be
right about what it knows: here the first objective, on any space. Constraints
are CEL, which it does not read: proposals that break one are refused.
"""

from __future__ import annotations

import argparse
import json
import random
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botorch
import torch
from botorch.acquisition import qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf_discrete
from gpytorch.mlls import ExactMarginalLogLikelihood

CANDIDATES = 2000  # drawn where the brief lists none
STARTS = 5  # random experiments before there is a model


def draw(parameter: dict, rng: random.Random):
    """A random value of one parameter."""
    kind = parameter["type"]
    if kind == "categorical":
        return rng.choice(parameter["levels"])
    if kind == "discrete":
        return rng.choice(parameter["values"])
    if kind == "integer":
        return rng.randint(int(parameter["min"]), int(parameter["max"]))
    if kind == "continuous":
        low, high = parameter["min"], parameter["max"]
        if parameter.get("scale") == "log":
            return min(high, max(low, low * (high / low) ** rng.random()))
        return rng.uniform(low, high)
    total, parts = parameter.get("sum", 1), len(parameter["parts"])
    present = rng.sample(range(parts), parameter.get("max_nonzero", parts))
    if "step" in parameter:
        counts = [0] * parts
        for _ in range(round(total / parameter["step"])):
            counts[rng.choice(present)] += 1
        return [n * parameter["step"] for n in counts]
    weights = [rng.expovariate(1) if i in present else 0.0 for i in range(parts)]
    return [w / sum(weights) * total for w in weights]


def encode(parameters: list[dict], row: list) -> list[float]:
    """A row of values as numbers from 0 to 1, a column to a level or part."""
    out: list[float] = []
    for p, v in zip(parameters, row):
        if p["type"] == "categorical":
            out += [float(v == level) for level in p["levels"]]
        elif p["type"] == "composition":
            out += [x / p.get("sum", 1) for x in v]
        else:
            low, high = (min(p["values"]), max(p["values"])) if p["type"] == "discrete" else (p["min"], p["max"])
            out.append((v - low) / (high - low) if high > low else 0.0)
    return out


def decide(brief: dict) -> dict:
    """The plan for a brief; the same brief gives the same plan."""
    parameters, objective = brief["space"]["parameters"], brief["objectives"][0]
    if any(p.get("when") for p in parameters):
        raise ValueError("this example takes every parameter to be there in every experiment; the space has conditions (when)")
    sign = 1.0 if objective["direction"] == "maximize" else -1.0
    rng = random.Random(f"{brief['seed']} {brief['first']}")
    torch.manual_seed(rng.randrange(2**31))

    def values(experiment: dict) -> list:
        by_name = {s["name"]: s["value"] for s in experiment["settings"]}
        return [by_name[p["name"]] for p in parameters]

    taken = [values(e) for e in brief["known"] + brief["pending"]]
    rows = brief["space"].get("pool") or [[draw(p, rng) for p in parameters] for _ in range(CANDIDATES)]
    free: list[list] = []
    for row in rows:
        if row not in taken and row not in free:
            free.append(row)
    seen = [(values(e), m["value"]) for e in brief["known"] for m in e["observed"] or [] if m["name"] == objective["name"]]
    want = min(brief["want"], len(free))
    plan = {"planner": f"botorch/{botorch.__version__}", "proposals": [], "exhausted": want < brief["want"]}

    if len(seen) < STARTS:
        for row in rng.sample(free, want):
            plan["proposals"].append(proposal(parameters, row, "drawn at random, before there is a model"))
        return plan

    x = torch.tensor([encode(parameters, r) for r, _ in seen], dtype=torch.double)
    y = torch.tensor([[sign * v] for _, v in seen], dtype=torch.double)
    model = SingleTaskGP(x, y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    pending = [values(e) for e in brief["pending"]]
    acquisition = qLogNoisyExpectedImprovement(
        model, X_baseline=x, X_pending=torch.tensor([encode(parameters, r) for r in pending], dtype=torch.double) if pending else None
    )
    choices = torch.tensor([encode(parameters, r) for r in free], dtype=torch.double)
    picked, worth = optimize_acqf_discrete(acquisition, q=want, choices=choices, unique=True)
    for point, value in zip(picked, worth.reshape(-1).tolist() if worth.numel() == want else [worth.item()] * want):
        at = int((choices == point).all(dim=-1).nonzero()[0, 0])
        with torch.no_grad():
            posterior = model.posterior(point.unsqueeze(0))
        mean, sd = sign * posterior.mean.item(), posterior.variance.item() ** 0.5
        p = proposal(parameters, free[at], f"expected to reach {mean:.4g} ± {1.96 * sd:.2g}")
        p["predictions"] = [
            {"objective": objective["name"], "mean": mean, "sigma": sd, "low": mean - 1.96 * sd, "high": mean + 1.96 * sd, "unit": objective["unit"]}
        ]
        p["acquisition"] = {"name": "log noisy expected improvement", "value": value}
        plan["proposals"].append(p)
    plan["notes"] = [f"SingleTaskGP on {len(seen)} experiments; {len(free)} candidates were weighed."]
    return plan


def proposal(parameters: list[dict], row: list, reason: str) -> dict:
    return {"settings": [{"name": p["name"], "value": v} for p, v in zip(parameters, row)], "predictions": [], "reason": reason}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        try:
            brief = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            status, answer = 200, decide(brief)
        except Exception as e:  # told to Athanor, which notes it in the plan
            status, answer = 500, {"error": f"{type(e).__name__}: {e}"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Athanor keeps the record."""


def main() -> None:
    parser = argparse.ArgumentParser(description="BoTorch as a planner for Athanor")
    parser.add_argument("--port", type=int, default=9000)
    port = parser.parse_args().port
    torch.set_num_threads(1)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"planning on http://127.0.0.1:{port}/plan", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
