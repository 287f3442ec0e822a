"""What pre-training buys: the same frames from both starts, and those held back stay unseen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.cli.main import EXIT_BAD_INPUT, main
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.pose_training.pretraining_worth import (
    PoseWorth,
    WorthWork,
    jobs_of,
    prepared,
    pretraining_worth,
    recipe_for,
    summary,
    table,
    with_frames,
)

from .small_sets import RECIPE, draw_set
from .test_self_supervised import PRETRAINING

YAML = """
data: {validation_share: 0.25}
network: {width_px: 32, height_px: 32, channels: [8, 8, 16, 16], blocks: [1, 1, 1, 1], neck: 16}
training: {learning_rate: 0.01, batch_size: 4, warmup_epochs: 0.5}
"""


def test_frames_are_drawn_by_the_seed_and_seen_more_often(tmp_path) -> None:
    learnt = prepared(RECIPE, draw_set(tmp_path / 'set', 40), tmp_path / 'cache')
    assert len(learnt.train) == 32 and learnt.held is not None and len(learnt.held) == 8
    few, again, other = (with_frames(learnt, 8, seed) for seed in (0, 0, 1))
    assert few.held is None and few.pictures == (8, 0) and len(few.train) == 8
    assert few.train.pictures.tolist() == again.train.pictures.tolist()
    assert few.train.pictures.tolist() != other.train.pictures.tolist()
    np.testing.assert_array_equal(  # whole people, not columns of others
        few.train.person(3).image,
        learnt.train.person(int(np.flatnonzero(
            learnt.train.pictures == few.train.pictures[3])[0])).image)
    assert len(with_frames(learnt, 0, 0).train) == 32
    longer = recipe_for(RECIPE, learnt, few).training
    assert (longer.epochs, longer.select) == (2 * RECIPE.training.epochs, 'last')


@pytest.mark.timeout(300)  # two pools of processes, each of which imports PyTorch
def test_the_bench_compares_both_starts(tmp_path, capsys) -> None:
    root = draw_set(tmp_path / 'set', 16)
    (tmp_path / 'small.yaml').write_text(YAML)
    command = ['bench', 'pose_pretraining', '--data', str(root), '--recipe',
               str(tmp_path / 'small.yaml'), '--set-pretraining', 'training.epochs=1',
               '--frames', '4', '0', '--epochs', '1', '--every', '1', '--workers', '1', '--out',
               str(tmp_path / 'out'), '--cache', str(tmp_path / 'cache'), '--json']
    assert main(command) == 0
    shown = capsys.readouterr().out
    found = json.loads(shown.splitlines()[-1])['frames']
    assert set(found) == {'4', 'all'}
    for row in found.values():
        assert 0 <= row['fresh_pck@0.1'] <= row['fresh_pck@0.2'] <= 1
        assert row['gain_pck@0.2'] == pytest.approx(
            row['pretrained_pck@0.2'] - row['fresh_pck@0.2'])
    made = {path.name for path in (tmp_path / 'out').iterdir() if path.is_dir()}
    assert made == {'backbone-0', '4-fresh-0', '4-pretrained-0', 'all-fresh-0', 'all-pretrained-0'}
    # Who was held back would have been learnt from: the pictures of that run are no good now.
    assert main([*command, '--resume', '--held-back', '0.5']) == EXIT_BAD_INPUT
    assert 'who is held back, have changed' in capsys.readouterr().err
    before = (tmp_path / 'out' / 'all-fresh-0' / 'result.json').stat().st_mtime_ns
    assert main([*command, '--resume']) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])['frames'] == found
    assert (tmp_path / 'out' / 'all-fresh-0' / 'result.json').stat().st_mtime_ns == before


def test_results_of_other_settings_are_not_kept(tmp_path) -> None:
    work = WorthWork(RECIPE, PRETRAINING, tmp_path, tmp_path, resume=True)
    job = jobs_of((4,), 1)[1][0]
    (tmp_path / job.name).mkdir()
    file = tmp_path / job.name / 'result.json'
    file.write_text(json.dumps({'settings': work._settings, 'figures': {'pck@0.1': 0.5}}))
    assert work.earlier(job) == {'pck@0.1': 0.5}
    assert replace(work, every=2).earlier(job) is None
    assert replace(work, people='others').earlier(job) is None
    assert replace(work, resume=False).earlier(job) is None
    file.write_text('torn')
    assert work.earlier(job) is None


def test_figures_are_means_of_the_seeds() -> None:
    rows = [PoseWorth(100, {'pck@0.1': (0.4, 0.5), 'pck@0.2': (0.6, 0.6)},
                      {'pck@0.1': (0.5, 0.6), 'pck@0.2': (0.6, 0.7)})]
    found = summary(rows)['100']
    assert found['gain_pck@0.1'] == pytest.approx(0.1)
    assert found['fresh_pck@0.1_std'] == pytest.approx(0.0707, abs=1e-4)
    assert '0.450 ± 0.071' in table(rows) and '+0.100' in table(rows)


def test_what_cannot_be_compared_is_refused(tmp_path) -> None:
    work = WorthWork(RECIPE, PRETRAINING, tmp_path, tmp_path)
    none_held = replace(RECIPE, data=replace(RECIPE.data, validation_share=0.0))
    for changed, words in (
            (replace(work, recipe=none_held), 'nobody is held back'),
            (replace(work, recipe=replace(RECIPE, network=replace(RECIPE.network, neck=8))),
             'different network')):
        with pytest.raises(ParameterError, match=words):
            pretraining_worth(changed)
    with pytest.raises(ParameterError, match='numbers of frames'):
        pretraining_worth(work, frames=())
