"""One class to a planner: given what was measured, the next row to measure.

`start` is told everything that is known before a campaign, `ask` returns a
row, `tell` says what was measured there. Outcomes are to be maximised. A row
that was measured before is allowed: the campaign answers it again for nothing
(see campaign.py).
"""

from __future__ import annotations

import warnings

import numpy as np

from tables import Task

warnings.filterwarnings("ignore")


class Planner:
    """Base: remembers what was measured, in order."""

    name = ""
    package = ""

    def __init__(self, task: Task, seed: int):
        self.task, self.seed = task, seed
        self.rows: list[int] = []
        self.gains: list[float] = []

    @classmethod
    def fits(cls, task: Task) -> bool:
        return True

    def tell(self, row: int, gain: float) -> None:
        self.rows.append(row)
        self.gains.append(gain)

    def ask(self) -> int:
        raise NotImplementedError

    @property
    def free(self) -> list[int]:
        done = set(self.rows)
        return [i for i in range(len(self.task.points)) if i not in done]


class BoTorch(Planner):
    """SingleTaskGP with its defaults and LogEI over every point that is left;
    nominal parameters one-hot."""

    name, package = "botorch", "botorch"

    def inputs(self):
        import torch

        return torch.tensor(self.task.one_hot, dtype=torch.double)

    def model(self, x, y):
        from botorch.models import SingleTaskGP

        return SingleTaskGP(x, y)

    def ask(self) -> int:
        import torch
        from botorch.acquisition import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.optim import optimize_acqf_discrete
        from gpytorch.mlls import ExactMarginalLogLikelihood

        torch.manual_seed(self.seed * 1000 + len(self.rows))
        x = self.inputs()
        y = torch.tensor(self.gains, dtype=torch.double).unsqueeze(-1)
        model = self.model(x[self.rows], y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        free = self.free
        acquisition = LogExpectedImprovement(model, best_f=y.max())
        with torch.no_grad():
            chosen, _ = optimize_acqf_discrete(acquisition, q=1, choices=x[free])
        return free[int((x[free] == chosen[0]).all(dim=-1).nonzero()[0, 0])]


class BoTorchMixed(BoTorch):
    """As BoTorch, with MixedSingleTaskGP for tables that have nominal parameters."""

    name = "botorch-mixed"

    @classmethod
    def fits(cls, task: Task) -> bool:
        return task.has_categories

    def inputs(self):
        import torch

        return torch.tensor(self.task.unit, dtype=torch.double)

    def model(self, x, y):
        from botorch.models import MixedSingleTaskGP

        return MixedSingleTaskGP(x, y, cat_dims=[j for j, p in enumerate(self.task.parameters) if p.categorical])


class BayBE(Planner):
    """Its default recommender on exactly the points that exist; nominal
    parameters one-hot."""

    name, package = "baybe", "baybe"

    def parameters(self):
        from baybe.parameters import CategoricalParameter, NumericalDiscreteParameter

        out = []
        for j, p in enumerate(self.task.parameters):
            if p.categorical:
                out.append(CategoricalParameter(name=p.name, values=p.levels, encoding="OHE"))
            else:
                out.append(NumericalDiscreteParameter(name=p.name, values=np.unique(self.task.index[:, j])))
        return out

    def recommender(self):
        from baybe.recommenders import BotorchRecommender

        return BotorchRecommender()

    def __init__(self, task: Task, seed: int):
        super().__init__(task, seed)
        import pandas as pd
        from baybe import Campaign
        from baybe.searchspace import SearchSpace, SubspaceDiscrete
        from baybe.targets import NumericalTarget
        from baybe.utils.random import set_random_seed

        set_random_seed(seed)
        self.frame = pd.DataFrame(task.points, columns=[p.name for p in task.parameters])
        for p in task.parameters:
            if not p.categorical:
                self.frame[p.name] = self.frame[p.name].astype(float)
        space = SearchSpace(discrete=SubspaceDiscrete.from_dataframe(self.frame, parameters=self.parameters()))
        self.campaign = Campaign(
            searchspace=space, objective=NumericalTarget(name="gain").to_objective(), recommender=self.recommender(),
            allow_recommending_already_measured=False,
        )

    def tell(self, row: int, gain: float) -> None:
        super().tell(row, gain)
        self.campaign.add_measurements(self.frame.iloc[[row]].assign(gain=gain))

    def ask(self) -> int:
        chosen = self.campaign.recommend(batch_size=1)
        return int(chosen.index[0])


class BayBEDescriptors(BayBE):
    """Nominal parameters by the table's descriptors where it has them, with the
    preset that BayBE takes for substances."""

    name = "baybe-descriptors"

    @classmethod
    def fits(cls, task: Task) -> bool:
        return task.has_descriptors

    def parameters(self):
        import pandas as pd
        from baybe.parameters import CustomDiscreteParameter

        out = []
        for plain, p in zip(super().parameters(), self.task.parameters):
            if p.descriptors is not None:
                d = pd.DataFrame(p.descriptors, index=p.levels)
                d.columns = [f"d{i}" for i in range(d.shape[1])]
                d = d.loc[:, d.nunique() > 1]
                if not d.duplicated().any():
                    plain = CustomDiscreteParameter(name=p.name, data=d)
            out.append(plain)
        return out

    def recommender(self):
        from baybe.recommenders import BotorchRecommender
        from baybe.surrogates import GaussianProcessSurrogate

        return BotorchRecommender(surrogate_model=GaussianProcessSurrogate.from_preset("CHEN"))


class BayBEChen(BayBEDescriptors):
    """One-hot with the preset that BayBE takes for substances: the setting for
    tables of reactions that come without descriptors."""

    name = "baybe-chen"

    @classmethod
    def fits(cls, task: Task) -> bool:
        return task.has_categories

    def parameters(self):
        return BayBE.parameters(self)


class Optuna(Planner):
    """GPSampler. Where combinations of levels are missing its proposal goes to
    the nearest row that is left, and it is told what was measured there."""

    name, package = "optuna-gp", "optuna"

    def sampler(self):
        from optuna.samplers import GPSampler

        return GPSampler(seed=self.seed, n_startup_trials=len(self.task.starts[0]))

    def __init__(self, task: Task, seed: int):
        super().__init__(task, seed)
        import optuna
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(direction="maximize", sampler=self.sampler())
        self.distributions = {}
        for p in task.parameters:
            if p.categorical:
                d = CategoricalDistribution(p.levels)
            elif p.type == "discrete" and self.even(p.levels):
                d = FloatDistribution(min(p.levels), max(p.levels), step=self.step(p.levels))
            elif p.type == "integer":
                d = IntDistribution(int(p.bounds[0]), int(p.bounds[1]))
            else:
                d = FloatDistribution(*p.bounds, log=p.log and p.bounds[0] > 0)
            self.distributions[p.name] = d

    @staticmethod
    def step(levels) -> float:
        return round((max(levels) - min(levels)) / (len(levels) - 1), 12)

    @classmethod
    def even(cls, levels) -> bool:
        if len(levels) < 2:
            return False
        gaps = np.diff(sorted(levels))
        return bool(np.allclose(gaps, cls.step(levels), rtol=1e-9))

    def tell(self, row: int, gain: float) -> None:
        import optuna

        super().tell(row, gain)
        params = {}
        for p, v in zip(self.task.parameters, self.task.points[row]):
            if not p.categorical:
                v = min(max(float(v), p.bounds[0]), p.bounds[1])
                if p.type == "integer":
                    v = int(v)
            params[p.name] = v
        self.study.add_trial(optuna.create_trial(params=params, distributions=self.distributions, value=gain))

    def ask(self) -> int:
        from optuna.trial import TrialState

        trial = self.study.ask(self.distributions)
        self.study.tell(trial, state=TrialState.FAIL)  # what is told is what was measured
        return self.task.nearest_free([trial.params[p.name] for p in self.task.parameters], set(self.rows))


class OptunaTPE(Optuna):
    """Multivariate TPE, otherwise as Optuna."""

    name = "optuna-tpe"

    def sampler(self):
        from optuna.samplers import TPESampler

        return TPESampler(seed=self.seed, multivariate=True, n_startup_trials=len(self.task.starts[0]))


class Ax(Planner):
    """Client with method "fast", which starts from the campaign's own starts;
    only tables in which every combination of levels exists, since it cannot
    choose from a list."""

    name, package = "ax", "ax-platform"

    @classmethod
    def fits(cls, task: Task) -> bool:
        return task.factorial

    def __init__(self, task: Task, seed: int):
        super().__init__(task, seed)
        import logging

        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig

        for name in list(logging.root.manager.loggerDict):
            if name.startswith("ax"):
                logging.getLogger(name).setLevel(logging.ERROR)
        self.client = Client(random_seed=seed)
        self.client.configure_experiment(
            parameters=[
                ChoiceParameterConfig(
                    name=p.name, values=p.levels if p.categorical else sorted(float(v) for v in p.levels),
                    parameter_type="str" if p.categorical else "float", is_ordered=not p.categorical,
                )
                for p in task.parameters
            ]
        )
        self.client.configure_optimization(objective="gain")
        self.client.configure_generation_strategy(
            method="fast", initialization_budget=len(task.starts[0]), initialize_with_center=False,
            use_existing_trials_for_initialization=True, initialization_random_seed=seed,
        )
        self.trials: dict[int, int] = {}

    def tell(self, row: int, gain: float) -> None:
        super().tell(row, gain)
        trial = self.trials.pop(row, None)
        if trial is None:
            x = {
                p.name: v if p.categorical else float(v)
                for p, v in zip(self.task.parameters, self.task.points[row])
            }
            trial = self.client.attach_trial(x)
        self.client.complete_trial(trial, raw_data={"gain": gain})

    def ask(self) -> int:
        (trial, x), = self.client.get_next_trials(max_trials=1).items()
        point = [x[p.name] for p in self.task.parameters]
        row = self.task.row_of.get(tuple(point))
        if row is None:
            row = self.task.nearest_free(point, set(self.rows))
        self.trials[row] = trial
        return row


ALL = {p.name: p for p in (Optuna, BoTorch, BayBE, BayBEDescriptors, BayBEChen, Ax, BoTorchMixed, OptunaTPE)}
