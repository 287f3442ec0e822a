"""`neuropose evaluate`: weights and clips in, figures and a page out, or one clear sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.cli.main import main
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning import weights
from neuropose_ros.learning.clips import Clip, ClipSet, write_clip_set
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.training.settings import TrainingSettings
from neuropose_ros.learning.weights import save_recogniser

LABELS = LabelSet('sides', ('left', 'right'))
RECIPE = Recipe(
    data=DataSettings('clips', validation_share=0.25),
    sampling=SamplingConfig(ticks=12, batch_size=8),
    network=NetworkConfig(width=8, blocks=1, completion_width=8, token_width=4, dropout=0.0),
    training=TrainingSettings(epochs=4, learning_rate=1e-2))


def arms(count: int, seed: int) -> ClipSet:
    """People who swing the left or the right wrist."""
    rng = np.random.default_rng(seed)
    clips = []
    for i in range(count):
        points = np.tile(rng.normal(0, 0.05, (15, 2)) + np.linspace(0, 2, 15)[:, None], (20, 1, 1))
        points[:, JHMDB15.index(f'{LABELS.labels[i % 2]}_wrist'), 1] += np.sin(np.arange(20) / 2)
        clips.append(Clip(f'{seed}_{i}', points.astype(np.float32), np.arange(20) / 20, i % 2,
                          f'{seed}_{i // 2}'))
    return ClipSet('arms', JHMDB15, tuple(clips), LABELS, 'drawn')


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A folder with data/train.npz, data/test.npz and weights/."""
    folder = tmp_path_factory.mktemp('evaluate')
    train = arms(24, 1)
    write_clip_set(train, folder / 'data' / 'train.npz')
    write_clip_set(arms(10, 2), folder / 'data' / 'test.npz')
    save_recogniser(train_recogniser(RECIPE, train, 0), folder / 'weights' / 'recogniser.pt')
    return folder


def test_a_report_and_one_json_object(place, capsys):
    out = place / 'page' / 'report.html'
    assert main(['evaluate', str(place / 'weights'), '--data', str(place / 'data'), '--out',
                 str(out), '--set', 'missing_draws=1', '--json']) == 0
    printed = capsys.readouterr().out.splitlines()
    values = json.loads(printed[-1])
    assert values['clips'] == 10 and 0 <= values['top1'] <= 1
    assert 'onset_median_s' not in values  # the network sees whole clips
    assert json.loads(out.with_suffix('.json').read_text('utf-8')) == values
    assert any(line.startswith(f'{out} is the report') for line in printed)
    html = out.read_text('utf-8')
    assert 'How well weights recognises actions' in html and 'test part' in html
    assert 'Clips to look at' in html


@pytest.mark.parametrize(('arguments', 'problem'), [
    (['--set', 'missing_draws=0'], 'missing_draws is 0; at least 1'),
    (['--set', 'draws=2'], 'draws is not known'),
    (['--set', 'part=all'], 'part'),
    (['--config', 'nowhere.yaml'], 'nowhere.yaml'),
])
def test_settings_that_make_no_sense_are_refused(place, capsys, arguments, problem):
    assert main(['evaluate', str(place / 'weights'), '--data', str(place / 'data'),
                 *arguments]) == 2
    assert problem in capsys.readouterr().err


def test_weights_for_other_labels_are_refused(place, tmp_path, capsys):
    for seed, (name, count) in enumerate((('train', 8), ('test', 4))):
        other = replace(arms(count, 3 + seed), labels=LabelSet('sides', ('left', 'up')))
        write_clip_set(other, tmp_path / f'{name}.npz')
    assert main(['evaluate', str(place / 'weights'), '--data', str(tmp_path)]) == 2
    assert 'not known to the weights: up' in capsys.readouterr().err


def test_all_weights_must_fit_and_are_read_once(place, tmp_path, capsys, monkeypatch):
    """Those of --without too, and before any time goes into measuring."""
    read = []
    inner = weights.read_checkpoint
    monkeypatch.setattr(weights, 'read_checkpoint', lambda path: read.append(path) or inner(path))
    other = replace(arms(24, 3), labels=LabelSet('sides', ('left', 'up')))
    save_recogniser(train_recogniser(RECIPE, other, 0), tmp_path / 'recogniser.pt')
    assert main(['evaluate', str(place / 'weights'), '--data', str(place / 'data'), '--without',
                 str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f'{tmp_path}: ' in said and 'not known to the weights: right' in said
    assert read == [place / 'weights' / 'recogniser.pt', tmp_path / 'recogniser.pt']


def test_no_weights_are_said_to_be_missing(place, tmp_path, capsys):
    assert main(['evaluate', str(tmp_path), '--data', str(place / 'data')]) == 2
    assert 'there is no such checkpoint' in capsys.readouterr().err


def test_a_report_that_cannot_be_written_says_where(place, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    assert main(['evaluate', str(place / 'weights'), '--data', str(place / 'data'), '--out',
                 str(tmp_path / 'file' / 'report.html'), '--set', 'missing_draws=1', '--set',
                 'examples=false']) == 2
    assert 'the report cannot be written' in capsys.readouterr().err
