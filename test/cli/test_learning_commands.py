"""pretrain, train, tune and reproduce as a person starts them, on clips drawn in a moment."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.cli.main import EXIT_BAD_INPUT, main
from neuropose_ros.learning.clips import write_clip_set
from neuropose_ros.learning.weights import load_recogniser

from ..learning.little_people import little_split

SMALL = """
data: {dataset: clips, validation_share: 0.25}
sampling: {ticks: 12, batch_size: 9}
network: {width: 16, blocks: 1, completion_width: 8, token_width: 8}
pretraining: {epochs: 2, checkpoint_every_s: 0}
training: {epochs: 3, learning_rate: 0.01, checkpoint_every_s: 0}
evaluation: {baselines: [svm]}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    split = little_split()
    write_clip_set(split.train, tmp_path / 'data' / 'train.npz')
    write_clip_set(split.test, tmp_path / 'data' / 'test.npz')
    (tmp_path / 'small.yaml').write_text(SMALL)
    return tmp_path / 'data'


def last_json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_pretrain_then_train_then_resume(
    data: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    recipe, out = str(data.parent / 'small.yaml'), data.parent / 'out'
    common = ['--data', str(data), '--config', recipe, '--json', '--no-tensorboard']
    assert main(['pretrain', *common, '--out', str(out / 'pre')]) == 0
    assert last_json(capsys)['clips'] == 36
    train = ['train', *common, '--weights', str(out / 'pre'), '--out', str(out / 'rec')]
    assert main(train) == 0
    facts = last_json(capsys)
    assert facts['pretrained'] is True and facts['count'] == 30
    assert load_recogniser(out / 'rec').labels.labels == ('bend', 'walk', 'wave')
    assert main([*train, '--resume']) == 0
    assert main([*train, '--resume', '--set', 'training.epochs=4']) == EXIT_BAD_INPUT
    assert 'the recipe of these weights is' in capsys.readouterr().err


def test_an_earlier_run_is_not_written_over(
    data: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    out = data.parent / 'out'
    common = ['--data', str(data), '--config', str(data.parent / 'small.yaml'), '--out', str(out),
              '--no-tensorboard', '--set', 'training.epochs=1', '--set', 'pretraining.epochs=1']
    for command, file in (('pretrain', 'pretrained.pt'), ('train', 'recogniser.pt')):
        assert main([command, *common]) == 0
        before = (out / file).read_bytes()
        capsys.readouterr()
        assert main([command, *common, '--seed', '1']) == EXIT_BAD_INPUT
        said = capsys.readouterr().err
        assert 'holds an earlier run' in said and '--resume' in said and '--out' in said
        assert (out / file).read_bytes() == before
    (out / 'recogniser.pt').unlink()  # cut off before it was written
    assert main(['train', *common]) == EXIT_BAD_INPUT
    assert 'pretraining/checkpoint.pt' in capsys.readouterr().err
    assert main(['train', *common, '--resume']) == 0


def test_curves_are_written(data: Path) -> None:
    pytest.importorskip('tensorboard', reason='needs TensorBoard')
    out = data.parent / 'out'
    assert main(['train', '--data', str(data), '--config', str(data.parent / 'small.yaml'),
                 '--set', 'training.epochs=1', '--set', 'pretraining.epochs=0',
                 '--out', str(out)]) == 0
    assert list((out / 'tensorboard').glob('events.*'))


def test_one_file_of_clips_is_enough(data: Path) -> None:
    assert main(['train', '--data', str(data / 'train.npz'), '--no-tensorboard', '--config',
                 str(data.parent / 'small.yaml'), '--set', 'training.epochs=1', '--set',
                 'pretraining.epochs=0', '--out', str(data.parent / 'out')]) == 0


def test_reproduce_prints_the_table(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip('sklearn', reason='needs scikit-learn')
    out = data.parent / 'out'
    assert main(['reproduce', str(data.parent / 'small.yaml'), '--data', str(data), '--seeds',
                 '1', '--workers', '2', '--out', str(out), '--json']) == 0
    values = last_json(capsys)
    assert values['seeds'] == 1 and set(values) >= {
        'split', 'top1_mean', 'top1_std', 'macro_f1_mean', 'baselines'}
    assert json.loads((out / 'table.json').read_text()) == values


def test_tune_writes_a_recipe(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip('optuna', reason='needs Optuna')
    config = data.parent / 'tune.yaml'
    config.write_text(f'recipe: {data.parent / "small.yaml"}\ntrials: 1\n'
                      'search: {network.dropout: {choices: [0.2]}}\n')
    assert main(['tune', '--data', str(data), '--config', str(config), '--out',
                 str(data.parent / 'out'), '--json']) == 0
    assert last_json(capsys)['values'] == {'network.dropout': 0.2}


@pytest.mark.parametrize(('arguments', 'said'), [
    (['reproduce', 'imagenet', '--data', '.'], 'there is no recipe imagenet; there are'),
    (['train', '--data', 'nowhere'], 'nowhere'),
    (['train', '--data', '.', '--set', 'training.epoch=3'], 'epoch is not known; epochs is'),
    (['train', '--data', '.', '--set', 'data.dataset=imagenet'], "unknown data set 'imagenet'"),
    (['train', '--data', '.', '--config', 'none.yaml'], 'none.yaml: cannot be read'),
])
def test_mistakes_are_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert said in error and 'Traceback' not in error


@pytest.mark.parametrize('command', [
    ['train', '--data', '.'], ['pretrain', '--data', '.'], ['tune', '--data', '.'],
    ['reproduce', 'jhmdb14', '--data', '.'], ['bench', 'pretraining', '--data', '.']])
def test_without_torch_one_sentence_says_how_to_get_it(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        'importlib.util.find_spec', lambda name: None if name == 'torch' else found(name))
    assert main(command) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert 'pip install -r requirements-learning.txt' in error and len(error.splitlines()) == 1


def test_weights_of_another_skeleton_are_refused(
    data: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    from dataclasses import replace

    from neuropose_ros.core.layouts import COCO17
    from neuropose_ros.learning.clips import ClipSet
    out = data.parent / 'out'
    common = ['--config', str(data.parent / 'small.yaml'), '--no-tensorboard']
    assert main(['pretrain', '--data', str(data), *common, '--out', str(out)]) == 0
    split = little_split()
    import numpy as np
    wider = ClipSet('wide', COCO17, tuple(
        replace(clip, keypoints=np.pad(clip.keypoints, ((0, 0), (0, 2), (0, 0))))
        for clip in split.train.clips), split.train.labels)
    write_clip_set(wider, data.parent / 'wide.npz')
    assert main(['train', '--data', str(data.parent / 'wide.npz'), *common, '--weights',
                 str(out), '--out', str(data.parent / 'other')]) == EXIT_BAD_INPUT
    assert 'the skeleton layout of these weights is jhmdb15@' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['train', 'pretrain'])
def test_the_files_that_come_along_are_good(name: str) -> None:
    from neuropose_ros.learning.recipe import read_recipe
    recipe = read_recipe(name)
    assert recipe.network.causal and recipe.data.dataset == 'clips'


def test_all_recipes_that_come_along_are_good() -> None:
    from neuropose_ros.learning.recipe import read_recipe, recipe_names
    for name in recipe_names():
        read_recipe(name)


def test_search_that_comes_along_is_good() -> None:
    from neuropose_ros.core.resources import config_folder
    from neuropose_ros.learning.config import read_yaml, replaced
    from neuropose_ros.learning.recipe import recipe_of, recipe_path
    from neuropose_ros.learning.tuning import read_tune_settings
    settings = read_tune_settings(config_folder() / 'learning' / 'tune.yaml', [])
    table = read_yaml(recipe_path(settings.recipe))
    for key, what in settings.search.items():
        value = what.choices[0] if what.choices else what.least
        recipe_of(replaced(table, {key: int(value) if what.whole else value}), 'tune')
