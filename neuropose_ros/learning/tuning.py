"""Searching for values of a recipe, judged by the validation part alone (Optuna)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.config import (
    at_least,
    fingerprint,
    override,
    parse,
    read_yaml,
    replaced,
)
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.recipe import Recipe, recipe_of, recipe_path
from neuropose_ros.learning.training.progress import Epoch
from neuropose_ros.learning.weights import content_hash

if TYPE_CHECKING:
    import optuna

STORAGE = 'trials.sqlite'
BEST = 'best.yaml'
Scalar = bool | int | float | str


@dataclass(frozen=True)
class Range:
    """What a value may be: one of the choices, or from least to most.

    Attributes:
        log: try orders of magnitude alike.
        whole: whole numbers alone.
    """

    choices: tuple[bool | int | float | str, ...] = ()
    least: float | None = None
    most: float | None = None
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        """Check that it is one of the two."""
        bounds = self.least is not None, self.most is not None
        if bool(self.choices) == any(bounds) or bounds[0] != bounds[1]:
            raise ParameterError('either choices, or least and most are allowed')
        if self.least is not None and self.most is not None and (
                self.least >= self.most or (self.log and self.least <= 0)):
            raise ParameterError(f'least {self.least:g} and most {self.most:g} are no range'
                                 f'{" of orders of magnitude" if self.log else ""}')

    def suggest(self, trial: optuna.Trial, name: str) -> Scalar:
        """Return a value for a trial."""
        if self.choices:
            chosen: Scalar = trial.suggest_categorical(name, self.choices)
            return chosen
        assert self.least is not None and self.most is not None
        if self.whole:
            return int(trial.suggest_int(name, math.ceil(self.least), math.floor(self.most),
                                         log=self.log))
        return float(trial.suggest_float(name, self.least, self.most, log=self.log))


@dataclass(frozen=True)
class TuneSettings:
    """What ``tune.yaml`` says.

    Attributes:
        recipe: name or path of what is varied.
        trials: in all, those of earlier runs included.
        seeds: trainings of a trial, whose mean counts.
        prune: give up trials that do worse than half of the others at the same epoch.
        search: ``section.key`` -> what it may be.
    """

    recipe: str = 'train'
    trials: int = 40
    seeds: int = 1
    prune: bool = True
    search: dict[str, Range] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(1, trials=self.trials, seeds=self.seeds)
        if not self.search:
            raise ParameterError('search is empty: name at least one section.key')


@dataclass(frozen=True)
class Tuned:
    """The best of a search.

    Attributes:
        score: mean of the validation accuracy.
        values: ``section.key`` -> value.
        trials: that ended, were given up, failed.
    """

    score: float
    values: Mapping[str, Scalar]
    trials: tuple[int, int, int]
    path: Path


Tell = Callable[[str], None]


def read_tune_settings(path: Path, assignments: list[str]) -> TuneSettings:
    """Read ``tune.yaml``.

    Raises:
        ParameterError: a key or value is wrong.
    """
    return parse(TuneSettings, override(read_yaml(path), assignments), str(path))


def tune(settings: TuneSettings, clips: ClipSet, folder: Path, tell: Tell) -> Tuned:
    """Search, going on from the trials that the folder holds.

    Args:
        clips: the training part; what judges is held back of it.
        tell: takes a line after every trial.

    Raises:
        TrainingError: Optuna is missing, the trials there are of another search, or none ended.
        ParameterError: a key of the search is not in the recipe.
    """
    try:
        import optuna
    except ImportError as error:
        raise TrainingError('tuning needs Optuna: pip install optuna') from error
    table = read_yaml(recipe_path(settings.recipe))
    base = recipe_of(table, settings.recipe)
    if not base.data.validation_share:
        raise ParameterError(f'{settings.recipe}: tuning judges by clips held back of the '
                             'training part; data.validation_share is 0')
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    study = _study(base, clips, folder)

    def objective(trial: optuna.Trial) -> float:
        values = {key: what.suggest(trial, key) for key, what in settings.search.items()}
        recipe = recipe_of(replaced(table, values), settings.recipe)
        # Refitting would only cost time: the score is of the network that was selected.
        recipe = replace(recipe, data=replace(recipe.data, refit=False))
        scores = [_score(recipe, clips, seed, trial if settings.prune and not seed else None)
                  for seed in range(settings.seeds)]
        return sum(scores) / len(scores)

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        value = 'given up' if trial.value is None else f'{trial.value:.4f}'
        best = max((t.value for t in study.trials if t.value is not None), default=math.nan)
        tell(f'trial {trial.number + 1}: {value}, best {best:.4f}  {trial.params}')

    _forget_interrupted(study)
    left = settings.trials - len(_ended(study))
    if left > 0:
        study.optimize(objective, left, callbacks=[after], catch=(TrainingError,))
    return _best(study, table, folder)


def _score(recipe: Recipe, clips: ClipSet, seed: int, trial: optuna.Trial | None) -> float:
    import optuna

    def report(epoch: Epoch) -> None:
        if trial is not None and 'top1' in epoch.values:
            trial.report(epoch.values['top1'], epoch.number)
            if trial.should_prune():
                raise optuna.TrialPruned
    trained = train_recogniser(recipe, clips, seed, place=Place(report=report))
    return float(trained.trained_on['validation']['top1'])


def _study(base: Recipe, clips: ClipSet, folder: Path) -> optuna.Study:
    import optuna
    # Seeded by what is there already, so that a search that goes on does not repeat itself.
    storage = f'sqlite:///{(folder / STORAGE).resolve()}'
    study = optuna.create_study(
        storage=storage, study_name='tune', direction='maximize', load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(5, 10))
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    identity = {'recipe': fingerprint(base), 'clips': content_hash(clips)}
    before = study.user_attrs.get('identity')
    if before is None:
        study.set_user_attr('identity', identity)
    elif before != identity:
        changed = ' and '.join(key for key in identity if before.get(key) != identity[key])
        raise TrainingError(f'{folder / STORAGE}: its trials are of other {changed}: choose '
                            'another folder by --out')
    return study


def _ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.trials if trial.state.is_finished()]


def _forget_interrupted(study: optuna.Study) -> None:
    """A trial that was running when the program was ended never will."""
    import optuna
    for trial in study.trials:
        if trial.state == optuna.trial.TrialState.RUNNING:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _best(study: optuna.Study, table: dict[str, Any], folder: Path) -> Tuned:
    import optuna
    import yaml
    states = [trial.state for trial in study.trials]
    counts = tuple(states.count(state) for state in (
        optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED,
        optuna.trial.TrialState.FAIL))
    if not counts[0]:
        raise TrainingError(f'of {len(states)} trials none ended well: widen or shift the search')
    path = folder / BEST
    best = replaced(table, study.best_params)
    text = yaml.safe_dump(best, sort_keys=False, allow_unicode=True)
    path.write_text(f'# validation accuracy {study.best_value:.4f}, found by `neuropose tune`\n'
                    f'{text}', 'utf-8')
    return Tuned(study.best_value, study.best_params, (counts[0], counts[1], counts[2]), path)
