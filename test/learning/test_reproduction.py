"""A recipe becomes a table; a run that was cut off goes on, and nothing old is taken for new."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning import reproduction
from neuropose_ros.learning.clips import Split
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.jobs import RESULT, Job, run_job, with_labels, write_data
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining_settings import PretrainingSettings
from neuropose_ros.learning.recipe import DataSettings, EvaluationSettings, Recipe
from neuropose_ros.learning.reproduction import Reproduction, Row, jobs_of, prepare, reproduce
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.training.loop import CHECKPOINT
from neuropose_ros.learning.training.settings import TrainingSettings
from neuropose_ros.learning.weights import FILE_NAME, load_recogniser
from neuropose_ros.learning.workers import run_jobs

from .little_people import little_people, little_split

RECIPE = Recipe(
    DataSettings('clips', validation_share=0.25), SamplingConfig(ticks=16, batch_size=9),
    network=NetworkConfig(width=16, blocks=1, completion_width=8, token_width=8),
    training=TrainingSettings(epochs=16, learning_rate=0.01, checkpoint_every_s=0))


@pytest.fixture(scope='module')
def split() -> Split:
    return little_split()


def test_processes_make_the_table_and_resume_keeps_what_is_done(
    split: Split, tmp_path: Path,
) -> None:
    recipe = replace(RECIPE, evaluation=EvaluationSettings(views=2))
    seen: dict[str, list[float]] = {}

    def watch(job: Job, share: float) -> None:
        seen.setdefault(job.name, []).append(share)

    found = reproduce('little', recipe, split, tmp_path / 'run', seeds=2, workers=2, watch=watch)
    assert [row.model for row in found.rows] == ['ours']
    assert len(found.rows[0].top1) == 2 and np.mean(found.rows[0].top1) > 0.8
    assert sorted(seen) == ['ours-0', 'ours-1']
    assert all(shares[-1] == 1.0 and len(shares) > 4 for shares in seen.values())
    weights = tmp_path / 'run' / 'jobs' / 'ours-1' / FILE_NAME
    assert load_recogniser(weights).trained_on['seed'] == 1
    # One training is lost: it alone is run again, and comes to the same.
    kept = tmp_path / 'run' / 'jobs' / 'ours-0' / RESULT
    stamp = kept.stat().st_mtime_ns
    (weights.parent / RESULT).unlink()
    again = reproduce('little', recipe, split, tmp_path / 'run', seeds=2, workers=2, resume=True)
    assert again.rows[0].top1 == found.rows[0].top1
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.parametrize('killed', [True, False])
def test_end_from_outside_leaves_no_process_and_the_checkpoint(
    killed: bool, split: Split, tmp_path: Path,
) -> None:
    recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=100_000))
    work = prepare(recipe, split, tmp_path)

    def watch(job: Job, share: float) -> None:
        if not killed:
            raise KeyboardInterrupt
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(TrainingError if killed else KeyboardInterrupt) as caught:
        run_jobs(work, [Job('ours', 0)], 1, watch)
    assert not killed or 'ended from outside' in str(caught.value)
    assert multiprocessing.active_children() == []
    assert list(work.folder.rglob(CHECKPOINT))


def test_trainings_end_with_a_parent_that_is_killed(split: Split, tmp_path: Path) -> None:
    recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=100_000))
    work = prepare(recipe, split, tmp_path / 'run')

    def watch(_job: Job, _share: float) -> None:
        (tmp_path / 'begun').touch()

    parent = multiprocessing.get_context('fork').Process(
        target=run_jobs, args=(work, [Job('ours', 0)], 1, watch))
    parent.start()
    wait_for((tmp_path / 'begun').exists)
    trainings = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.join()
    assert trainings
    _, left = psutil.wait_procs(trainings, timeout=30)
    for process in left:
        process.kill()
    assert not left


def wait_for(happened: Callable[[], bool], most_s: float = 60.0) -> None:
    end_s = time.monotonic() + most_s
    while not happened():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_without_resume_everything_is_trained_again(split: Split, tmp_path: Path) -> None:
    work = prepare(RECIPE, split, tmp_path)
    (work.folder / 'ours-0').mkdir(parents=True)
    (work.folder / 'ours-0' / RESULT).write_text('{"scores": {"top1": 1.0}, "seconds": 1}')
    prepare(RECIPE, split, tmp_path)
    assert not (work.folder / 'ours-0').exists()


@pytest.mark.parametrize('changed', ['recipe', 'training clips', 'test clips', 'code'])
def test_run_of_something_else_is_not_gone_on_with(
    changed: str, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(RECIPE, split, tmp_path)
    prepare(RECIPE, split, tmp_path, resume=True)
    recipe, other = RECIPE, split
    if changed == 'recipe':
        recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=9))
    elif changed == 'training clips':
        other = replace(split, train=little_people(36, 7))
    elif changed == 'test clips':
        other = replace(split, test=little_people(18, 7))
    else:
        monkeypatch.setattr(reproduction, '_code_hash', lambda: 'other')
    with pytest.raises(TrainingError, match=f'cut off: {changed}: start anew'):
        prepare(recipe, other, tmp_path, resume=True)


def test_folder_with_something_else_is_left_alone(split: Split, tmp_path: Path) -> None:
    (tmp_path / 'thesis.tex').write_text('important')
    with pytest.raises(TrainingError, match='holds something else'):
        prepare(RECIPE, split, tmp_path)
    assert (tmp_path / 'thesis.tex').exists()


@pytest.mark.parametrize('model', ['ddnet', 'svm'])
def test_baselines_learn_too(
    model: str, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    if model == 'svm':
        pytest.importorskip('sklearn', reason='needs scikit-learn')
    from neuropose_ros.learning.baselines import ddnet
    monkeypatch.setattr(ddnet, 'TRAINING', replace(ddnet.TRAINING, epochs=25))
    write_data(split, (), tmp_path / 'data')
    result = run_job(Job(model, 0), RECIPE, tmp_path / 'data',  # type: ignore[arg-type]
                     Place(tmp_path / 'jobs'))
    assert result.scores['top1'] > 0.8


def test_context_and_poses_alone_are_compared(tmp_path: Path) -> None:
    split = little_split(18, 9, scene_size=4)
    recipe = replace(
        RECIPE, network=replace(RECIPE.network, scene_size=4),
        training=replace(RECIPE.training, epochs=2),
        evaluation=EvaluationSettings(pose_only=True, baselines=('svm',)))
    assert [job.name for job in jobs_of(recipe, 2)] == [
        'ours-0', 'ours-1', 'pose_only-0', 'pose_only-1', 'svm-0']
    write_data(split, (), tmp_path / 'data')
    for model in ('ours', 'pose_only'):
        run_job(Job(model, 0), recipe, tmp_path / 'data',  # type: ignore[arg-type]
                Place(tmp_path / 'jobs'))
    sizes = [load_recogniser(tmp_path / 'jobs' / name).network.config.scene_size
             for name in ('ours-0', 'pose_only-0')]
    assert sizes == [4, 0]


def test_scene_vectors_of_another_size_are_named() -> None:
    recipe = replace(RECIPE, network=replace(RECIPE.network, scene_size=8))
    with pytest.raises(TrainingError, match=r'scene vectors are of 4 values, .* is 8'):
        train_recogniser(recipe, little_people(18, scene_size=4), 0)
    with pytest.raises(TrainingError, match='scene vectors are missing'):
        train_recogniser(recipe, little_people(18), 0)


def test_refit_learns_from_all_clips_and_keeps_the_calibration(
    split: Split, tmp_path: Path,
) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, refit=True), training=replace(
        RECIPE.training, epochs=4, select='best'))
    write_data(split, (), tmp_path / 'data')
    run_job(Job('ours', 0), recipe, tmp_path / 'data', Place(tmp_path / 'jobs'))
    trained = load_recogniser(tmp_path / 'jobs' / 'ours-0')
    assert trained.trained_on['count'] == 36 and trained.trained_on['epochs'] <= 4
    assert float(trained.network.head.temperature) != 1.0


def test_share_of_labels_is_of_every_label() -> None:
    clips = little_people(60)
    few = with_labels(clips, 0.1, 0)
    assert np.bincount([clip.label for clip in few.clips]).tolist() == [2, 2, 2]
    assert len(with_labels(clips, 0.001, 0)) == 3 and with_labels(clips, 1, 0) is clips
    assert [c.name for c in few.clips] != [c.name for c in with_labels(clips, 0.1, 1).clips]


def test_pretrained_start_is_used_where_asked_for(split: Split, tmp_path: Path) -> None:
    recipe = replace(RECIPE, pretraining=PretrainingSettings(epochs=1, checkpoint_every_s=0),
                     training=replace(RECIPE.training, epochs=1, learning_rate=0.0))
    write_data(split, (little_people(12, 5, name='more'),), tmp_path / 'data')
    place = Place(tmp_path / 'jobs')
    run_job(Job('pretraining', 0), recipe, tmp_path / 'data', place)
    for pretrained in (True, False):
        job = Job('ours', 0, 0.5, pretrained)
        run_job(job, recipe, tmp_path / 'data', place)
        trained = load_recogniser(tmp_path / 'jobs' / job.name)
        assert trained.trained_on['pretrained'] == pretrained
        assert trained.trained_on['count'] == 18


def test_figures_are_means_and_deviations_of_a_sample() -> None:
    found = Reproduction('little', 'split 1', (36, 18), (
        Row('ours', (0.8, 0.9), (0.7, 0.9), 3.0), Row('pose_only', (0.7, 0.7), (0.6, 0.6), 2.0),
        Row('ddnet', (0.6, 0.7), (0.5, 0.6), 1.0), Row('svm', (0.5,), (0.4,), 0.1)))
    values = reproduction.summary(found, 1)
    assert json.loads(json.dumps(values)) == values
    assert values['top1_mean'] == pytest.approx(0.85)
    assert values['top1_std'] == pytest.approx(0.1 / 2 ** 0.5)
    assert values['macro_f1_mean'] == pytest.approx(0.8)
    assert values['baselines'] == {'ddnet': pytest.approx(0.65), 'svm': 0.5}
    assert values['pose_only_mean'] == pytest.approx(0.7)
    assert values['context_gain'] == pytest.approx(0.15)
    assert (values['split'], values['seeds']) == (1, 2)
    text = reproduction.table(found)
    assert '85.0 ±  7.1' in text and 'ddnet' in text
