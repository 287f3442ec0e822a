"""A search goes on where it was stopped, and only the validation part is its judge."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('torch', reason='needs torch')
pytest.importorskip('optuna', reason='needs Optuna')

import yaml

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.learning.config import parse
from neuropose_ros.learning.recipe import read_recipe
from neuropose_ros.learning.tuning import BEST, Range, TuneSettings, tune

from .little_people import little_people

RECIPE = """
data: {dataset: clips, validation_share: 0.25, refit: true}
sampling: {ticks: 12, batch_size: 9}
network: {width: 16, blocks: 1, completion_width: 8, token_width: 8}
training: {epochs: 2}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / 'recipe.yaml'
    path.write_text(RECIPE)
    return str(path)


def search(recipe: str, trials: int, **more: object) -> TuneSettings:
    return parse(TuneSettings, {
        'recipe': recipe, 'trials': trials,
        'search': {'training.learning_rate': {'least': 1e-5, 'most': 0.1, 'log': True},
                   'network.dropout': {'choices': [0.1, 0.4]}}, **more}, 'tune.yaml')


def test_search_goes_on_and_writes_the_best_recipe(recipe: str, tmp_path: Path) -> None:
    clips, lines, folder = little_people(36), list[str](), tmp_path / 'out'
    tuned = tune(search(recipe, 2), clips, folder, lines.append)
    assert tuned.trials == (2, 0, 0) and [line[:7] for line in lines] == ['trial 1', 'trial 2']
    tuned = tune(search(recipe, 3), clips, folder, lines.append)
    assert tuned.trials[0] == 3 and len(lines) == 3
    assert len({line.partition(': ')[2].partition('{')[2] for line in lines}) == 3
    assert tune(search(recipe, 3), clips, folder, lines.append).trials[0] == 3
    best = read_recipe(folder / BEST)
    assert best.training.learning_rate == tuned.values['training.learning_rate']
    assert best.network.dropout == tuned.values['network.dropout'] and best.data.refit


def test_trials_of_another_search_are_refused(recipe: str, tmp_path: Path) -> None:
    tune(search(recipe, 1), little_people(36), tmp_path / 'out', print)
    with pytest.raises(TrainingError, match='trials are of other clips'):
        tune(search(recipe, 1), little_people(36, 5), tmp_path / 'out', print)


def test_mistakes_in_the_search_are_named(recipe: str, tmp_path: Path) -> None:
    wrong = search(recipe, 1, search={'training.learn_rate': {'choices': [1.0]}})
    with pytest.raises(ParameterError, match='learn_rate is not known; learning_rate is'):
        tune(wrong, little_people(36), tmp_path / 'out', print)
    table = yaml.safe_load(RECIPE)
    table['data'] = {'dataset': 'clips', 'validation_share': 0}
    Path(recipe).write_text(yaml.safe_dump(table))
    with pytest.raises(ParameterError, match='validation_share is 0'):
        tune(search(recipe, 1), little_people(36), tmp_path / 'other', print)


@pytest.mark.parametrize('values', [
    {}, {'least': 1.0}, {'choices': (1,), 'least': 0.0, 'most': 1.0},
    {'least': 2.0, 'most': 1.0}, {'least': 0.0, 'most': 1.0, 'log': True}])
def test_impossible_ranges_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Range(**values)  # type: ignore[arg-type]
