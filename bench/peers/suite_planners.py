"""One class to a planner of the synthetic suite: told what was measured, it says
the point to measure next. All objectives are to be maximised.
"""

from __future__ import annotations

import math
import warnings
from functools import cached_property

import numpy as np

from suite import Problem

warnings.filterwarnings("ignore")

CANDIDATES = 2048  # evenly spread, where an acquisition is maximised over a list
RESTARTS, RAW = 4, 256  # of BoTorch's own optimisers


class Planner:
    """Base: remembers what was measured, in order."""

    name = ""
    package = ""

    def __init__(self, problem: Problem):
        self.problem, self.seed = problem, problem.seed
        self.points: list[list] = []
        self.outcomes: list[list[float] | None] = []  # None where the experiment failed

    @classmethod
    def fits(cls, problem: Problem) -> bool:
        return True

    def tell(self, point: list, outcome: list[float] | None) -> None:
        self.points.append(point)
        self.outcomes.append(outcome)

    def ask(self) -> list:
        raise NotImplementedError

    @property
    def worst(self) -> list[float]:
        """The least of each objective so far: what a failure counts as where a
        package can be told of none."""
        worked = [y for y in self.outcomes if y is not None]
        return np.min(worked, axis=0).tolist() if worked else [0.0] * len(self.problem.objectives)

    @cached_property
    def candidates(self) -> np.ndarray:
        return self.problem.spread(CANDIDATES, self.seed)

    def anywhere(self) -> list:
        """An allowed point without a model."""
        return self.problem.point(self.problem.spread(8, 1000 * self.seed + len(self.points))[0])


class BoTorch(Planner):
    """SingleTaskGP with its defaults, nominals one-hot in the model.
    One objective: LogEI; with noise qLogNEI; several: qLogNEHVI. Where experiments
    may fail a second model of whether they work constrains the acquisition. Linear
    constraints and discrete values are the optimisers' own; compositions and other
    constraints are met by 2,048 evenly spread points and two rounds of finer ones
    around the best.
    """

    name, package = "botorch", "botorch"

    def ask(self) -> list:
        import torch

        torch.manual_seed(1000 * self.seed + len(self.points))
        worked = [i for i, y in enumerate(self.outcomes) if y is not None]
        if not worked:
            return self.anywhere()
        x = torch.tensor(np.array([self.problem.row(p) for p in self.points]), dtype=torch.double)
        y = torch.tensor([self.outcomes[i] for i in worked], dtype=torch.double)
        return self.problem.point(self.maximise(self.acquisition(x, worked, y)))

    def model(self, x, y):
        import torch
        from botorch.models import SingleTaskGP
        from botorch.models.transforms.input import NumericToCategoricalEncoding

        nominal = {p.column: len(p.levels) for p in self.problem.parameters if p.type == "categorical"}
        encode = None
        if nominal:
            encoders = {k: lambda z, n=n: torch.nn.functional.one_hot(z.long(), n) for k, n in nominal.items()}
            encode = NumericToCategoricalEncoding(self.problem.width, nominal, encoders)
        return SingleTaskGP(x, y, input_transform=encode)

    def fit(self, x, y):
        from botorch.fit import fit_gpytorch_mll
        from gpytorch.mlls import ExactMarginalLogLikelihood

        model = self.model(x, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        return model

    def acquisition(self, x, worked: list[int], y):
        import torch
        from botorch.acquisition import LogExpectedImprovement, qLogNoisyExpectedImprovement
        from botorch.acquisition.analytic import LogConstrainedExpectedImprovement
        from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
        from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
        from botorch.models import ModelListGP
        from botorch.sampling import SobolQMCNormalSampler
        from botorch.utils.multi_objective.hypervolume import infer_reference_point
        from botorch.utils.multi_objective.pareto import is_non_dominated

        model, failed = self.fit(x[worked], y), len(worked) < len(x)
        m = y.shape[-1]
        if failed:
            works = torch.zeros(len(x), 1, dtype=torch.double)
            works[worked] = 1
            model = ModelListGP(*([model] if m == 1 else [self.fit(x[worked], y[:, [j]]) for j in range(m)]), self.fit(x, works))
        if m > 1:
            return qLogNoisyExpectedHypervolumeImprovement(
                model, ref_point=infer_reference_point(y[is_non_dominated(y)]), X_baseline=x[worked], prune_baseline=True,
                sampler=SobolQMCNormalSampler(torch.Size([64]), seed=self.seed),
                objective=IdentityMCMultiOutputObjective(outcomes=list(range(m))) if failed else None,
                constraints=[lambda z: 0.5 - z[..., -1]] if failed else None,
            )
        if self.problem.noisy:
            return qLogNoisyExpectedImprovement(model, X_baseline=x, prune_baseline=True, sampler=SobolQMCNormalSampler(torch.Size([128]), seed=self.seed))
        if failed:
            return LogConstrainedExpectedImprovement(model, best_f=y.max(), objective_index=0, constraints={1: (0.5, None)})
        return LogExpectedImprovement(model, best_f=y.max())

    def maximise(self, acquisition):
        import torch
        from botorch.optim import optimize_acqf
        from botorch.optim.optimize_mixed import optimize_acqf_mixed_alternating

        p = self.problem
        if p.types == {"categorical"} or p.composition is not None or not p.all_linear:
            return self.over_list(acquisition)
        bounds = torch.zeros(2, p.width, dtype=torch.double)
        bounds[1] = 1
        # A hair inside, so that rounding does not break what is met.
        below = [(torch.tensor(np.flatnonzero(a)), torch.tensor(-a[np.flatnonzero(a)]), -most + 1e-9) for a, most in p.linear] or None
        common = dict(q=1, num_restarts=RESTARTS, raw_samples=RAW)
        if p.types == {"continuous"}:
            chosen, _ = optimize_acqf(acquisition, bounds, inequality_constraints=below, **common)
        else:
            values = {q.column: [q.unit(v) for v in q.values] for q in p.parameters if q.type in ("integer", "discrete")}
            levels = {q.column: q.values for q in p.parameters if q.type == "categorical"}
            for q in p.parameters:
                if q.type == "categorical":
                    bounds[1, q.column] = len(q.levels) - 1
            chosen, _ = optimize_acqf_mixed_alternating(acquisition, bounds, discrete_dims=values or None, cat_dims=levels or None, inequality_constraints=below, **common)
        return chosen[0].detach().numpy()

    def over_list(self, acquisition):
        import torch

        def score(rows):
            with torch.no_grad():
                return torch.cat([acquisition(part.unsqueeze(1)) for part in torch.tensor(rows, dtype=torch.double).split(256)]).numpy()

        p = self.problem
        if p.types == {"categorical"}:
            done = {tuple(q) for q in self.points}
            rows = np.stack(np.meshgrid(*[q.values for q in p.parameters], indexing="ij"), axis=-1).reshape(-1, p.width)
            rows = np.array([r for r in rows if tuple(p.point(r)) not in done])
            return rows[np.argmax(score(rows))]
        rng = np.random.default_rng(1000 * self.seed + len(self.points))
        rows = self.candidates
        values = score(rows)
        for h in (0.05, 0.01):
            top = rows[np.argsort(-values)[:10]]
            more = p.near(np.vstack([top, [p.row(q) for q in self.points[-1:]]]), 512, h, rng)
            if len(more):
                rows, values = np.vstack([rows, more]), np.append(values, score(more))
        return rows[np.argmax(values)]


class BoTorchMixed(BoTorch):
    """As BoTorch, with MixedSingleTaskGP where there are nominal parameters."""

    name = "botorch-mixed"

    @classmethod
    def fits(cls, problem: Problem) -> bool:
        return "categorical" in problem.types

    def model(self, x, y):
        from botorch.models import MixedSingleTaskGP

        return MixedSingleTaskGP(x, y, cat_dims=[p.column for p in self.problem.parameters if p.type == "categorical"])


class Optuna(Planner):
    """GPSampler. It is told how far each known constraint is broken, and whether an
    experiment failed, as constraints; a failure counts as the worst so far. A
    proposal that a known constraint forbids is asked again twice, then the nearest
    of 2,048 allowed points is taken. A composition is minus the
    logarithms of a number to a part, over their sum, without the least.
    """

    name, package = "optuna-gp", "optuna"
    FORBIDDEN = 3  # what it proposes hardly changes from one time to the next

    def sampler(self):
        from optuna.samplers import GPSampler

        return GPSampler(seed=self.seed, n_startup_trials=len(self.problem.starts), deterministic_objective=not self.problem.noisy)

    def __init__(self, problem: Problem):
        super().__init__(problem)
        import optuna
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(directions=["maximize"] * len(problem.objectives), sampler=self.sampler())
        self.distributions = {}
        for p in problem.parameters:
            if p.type == "composition":
                for k in range(p.width):
                    self.distributions[f"{p.name}.{k}"] = FloatDistribution(math.exp(-1), 1)
            elif p.type == "categorical":
                self.distributions[p.name] = CategoricalDistribution(p.levels)
            elif p.type == "integer":
                self.distributions[p.name] = IntDistribution(int(p.low), int(p.high))
            elif p.type == "discrete" and np.allclose(np.diff(p.levels), p.levels[1] - p.levels[0]):
                self.distributions[p.name] = FloatDistribution(p.low, p.high, step=p.levels[1] - p.levels[0])
            else:
                self.distributions[p.name] = FloatDistribution(p.low, p.high, log=p.log)
        self.trial = None  # what was asked, and the point that it stands for

    def params(self, point: list) -> dict:
        out = {}
        for p, v in zip(self.problem.parameters, point):
            if p.type == "composition":
                out |= {f"{p.name}.{k}": math.exp(-f) for k, f in enumerate(v)}
            else:
                out[p.name] = int(v) if p.type == "integer" else v
        return out

    def point_of(self, params: dict) -> list:
        out = []
        for p in self.problem.parameters:
            if p.type == "composition":
                e = np.array([-math.log(params[f"{p.name}.{k}"]) for k in range(p.width)]) + 1e-12
                out.append(self.problem.mix(p, e))
            elif p.type == "discrete":
                out.append(min(p.levels, key=lambda w: abs(w - params[p.name])))
            else:
                out.append(params[p.name])
        return out

    def tell(self, point: list, outcome: list[float] | None) -> None:
        super().tell(point, outcome)
        trial, asked = self.trial or (None, None)
        if trial is None or asked != point:
            self.study.enqueue_trial(self.params(point))
            trial = self.study.ask(self.distributions)
        self.trial = None
        limits = {f"c{i}": v for i, v in enumerate(self.problem.slacks(point))}
        if self.problem.failing:
            limits["failed"] = -1.0 if outcome is not None else 1.0
        for name, v in limits.items():
            trial.set_constraint(name, v)
        self.study.tell(trial, outcome if outcome is not None else self.worst)

    def ask(self) -> list:
        from optuna.trial import TrialState

        for _ in range(self.FORBIDDEN):
            trial = self.study.ask(self.distributions)
            point = self.point_of(trial.params)
            if self.problem.allowed([point])[0]:
                self.trial = (trial, point)
                return point
            self.study.tell(trial, state=TrialState.FAIL)
        rows = self.candidates
        return self.problem.point(rows[np.argmin(((rows - self.problem.row(point)) ** 2).sum(axis=1))])


class OptunaTPE(Optuna):
    """Multivariate TPE, asked again up to twenty times, otherwise as Optuna."""

    name = "optuna-tpe"
    FORBIDDEN = 20

    def sampler(self):
        from optuna.samplers import TPESampler

        return TPESampler(seed=self.seed, multivariate=True, n_startup_trials=len(self.problem.starts))


class BayBE(Planner):
    """BotorchRecommender with its defaults, qLogNEI where there is noise, nominals
    one-hot, ParetoObjective for several objectives; a failure counts as the worst so
    far. Whole numbers with more than ten values are continuous and rounded. It cannot
    have constraints that are not linear. Of a space with choices and numbers it
    searches twelve random combinations of choices at a time: all of them, its
    default, take minutes.
    """

    name, package = "baybe", "baybe"
    COMBINATIONS, WHOLE = 12, 10

    @classmethod
    def fits(cls, problem: Problem) -> bool:
        return problem.all_linear

    def __init__(self, problem: Problem):
        super().__init__(problem)
        from baybe import Campaign
        from baybe.constraints import ContinuousCardinalityConstraint, ContinuousLinearConstraint
        from baybe.objectives import ParetoObjective
        from baybe.parameters import CategoricalParameter, NumericalContinuousParameter, NumericalDiscreteParameter
        from baybe.recommenders import BotorchRecommender
        from baybe.searchspace import SearchSpace
        from baybe.targets import NumericalTarget
        from baybe.utils.random import set_random_seed

        set_random_seed(self.seed)
        self.columns: list[str] = [""] * problem.width
        parameters, constraints, combinations = [], [], 1
        for p in problem.parameters:
            if p.type == "composition":
                parts = [f"{p.name}.{k}" for k in range(p.width)]
                self.columns[p.column : p.column + p.width] = parts
                parameters += [NumericalContinuousParameter(name, bounds=(0, 1)) for name in parts]
                constraints.append(ContinuousLinearConstraint(parts, "=", [1.0] * p.width, 1.0))
                if p.most < p.width:
                    constraints.append(ContinuousCardinalityConstraint(parts, min_cardinality=1, max_cardinality=p.most))
                continue
            self.columns[p.column] = p.name
            if p.type == "categorical":
                parameters.append(CategoricalParameter(p.name, p.levels, encoding="OHE"))
                combinations *= len(p.levels)
            elif p.type == "continuous" or len(p.values) > self.WHOLE:
                parameters.append(NumericalContinuousParameter(p.name, bounds=(0, 1)))
            else:
                parameters.append(NumericalDiscreteParameter(p.name, [p.unit(v) for v in p.values]))
                combinations *= len(p.values)
        for a, most in problem.linear:
            there = np.flatnonzero(a)
            constraints.append(ContinuousLinearConstraint([self.columns[k] for k in there], "<=", a[there].tolist(), most - 1e-9))
        targets = [NumericalTarget(name) for name in problem.objectives]
        options = {"acquisition_function": "qLogNEI"} if problem.noisy and len(targets) == 1 else {}
        if combinations > self.COMBINATIONS and "continuous" in problem.types:
            options |= {"hybrid_sampler": "Random", "sampling_percentage": self.COMBINATIONS / combinations}
        self.campaign = Campaign(
            searchspace=SearchSpace.from_product(parameters, constraints),
            objective=targets[0].to_objective() if len(targets) == 1 else ParetoObjective(targets),
            recommender=BotorchRecommender(**options),
            **({"allow_recommending_already_measured": False} if problem.types == {"categorical"} else {}),
        )

    def tell(self, point: list, outcome: list[float] | None) -> None:
        import pandas as pd

        super().tell(point, outcome)
        row = self.problem.row(point)
        told = {name: row[k] for k, name in enumerate(self.columns)}
        told |= {p.name: v for p, v in zip(self.problem.parameters, point) if p.type == "categorical"}
        told |= dict(zip(self.problem.objectives, outcome if outcome is not None else self.worst))
        self.campaign.add_measurements(pd.DataFrame([told]))

    def ask(self) -> list:
        chosen = self.campaign.recommend(batch_size=1).iloc[0]
        row = np.zeros(self.problem.width)
        for p in self.problem.parameters:
            for k in range(p.column, p.column + p.width):
                v = chosen[self.columns[k]]
                row[k] = p.levels.index(v) if p.type == "categorical" else float(v)
        return self.problem.point(row)


class Ax(Planner):
    """Client with method "fast", which starts from the campaign's own starts; a
    failure is a failed trial. It cannot have a limit to the parts of a composition,
    nor constraints that are not linear.
    """

    name, package = "ax", "ax-platform"

    @classmethod
    def fits(cls, problem: Problem) -> bool:
        return problem.all_linear and problem.composition is None

    def __init__(self, problem: Problem):
        super().__init__(problem)
        import logging

        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        for name in list(logging.root.manager.loggerDict):
            if name.startswith("ax"):
                logging.getLogger(name).setLevel(logging.ERROR)
        self.client = Client(random_seed=self.seed)
        parameters = []
        for p in problem.parameters:
            if p.type in ("continuous", "integer"):
                whole = p.type == "integer"
                parameters.append(RangeParameterConfig(
                    name=p.name, bounds=(p.low, p.high), parameter_type="int" if whole else "float", scaling="log" if p.log else None,
                ))
            else:
                named = p.type == "categorical"
                parameters.append(ChoiceParameterConfig(name=p.name, values=p.levels, parameter_type="str" if named else "float", is_ordered=not named))
        self.client.configure_experiment(parameters=parameters, parameter_constraints=[self.constraint(c) for c in problem.constraints])
        self.client.configure_optimization(objective=", ".join(problem.objectives))
        self.client.configure_generation_strategy(
            method="fast", initialization_budget=len(problem.starts), initialize_with_center=False,
            use_existing_trials_for_initialization=True, initialization_random_seed=self.seed,
        )
        self.trial = None  # what was asked, and the point that it stands for

    def constraint(self, c: dict) -> str:
        """A hair inside, so that rounding does not break what is met."""
        sum_ = " + ".join(f"{k} * {p.name}" for k, p in zip(c["linear"], self.problem.parameters) if k)
        return f"{sum_} <= {c['at_most'] - 1e-6}"

    def tell(self, point: list, outcome: list[float] | None) -> None:
        super().tell(point, outcome)
        trial, asked = self.trial or (None, None)
        if trial is None or asked != point:
            kinds = {"integer": int, "categorical": str}
            trial = self.client.attach_trial({p.name: kinds.get(p.type, float)(v) for p, v in zip(self.problem.parameters, point)})
        self.trial = None
        if outcome is None:
            self.client.mark_trial_failed(trial)
        else:
            self.client.complete_trial(trial, raw_data=dict(zip(self.problem.objectives, outcome)))

    def ask(self) -> list:
        (trial, x), = self.client.get_next_trials(max_trials=1).items()
        point = [x[p.name] for p in self.problem.parameters]
        self.trial = (trial, point)
        return point


ALL = {p.name: p for p in (OptunaTPE, Optuna, BoTorch, BoTorchMixed, BayBE, Ax)}
