"""Shares of the labels, from nothing and pre-trained, on the same clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning import label_efficiency as efficiency
from neuropose_ros.learning.jobs import Job, Result, run_job
from neuropose_ros.learning.label_efficiency import Point, jobs_of
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining_settings import PretrainingSettings
from neuropose_ros.learning.weights import load_recogniser
from neuropose_ros.learning.workers import Watch, Work

from .little_people import little_people, little_split
from .test_reproduction import RECIPE


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the processes, which test_reproduction.py starts, out of it."""
    def run_jobs(work: Work, jobs: list[Job], workers: int, watch: Watch) -> list[Result]:
        results = [run_job(job, work.recipe, work.data, Place(work.folder)) for job in jobs]
        for job in jobs:
            watch(job, 1.0)
        return results
    monkeypatch.setattr(efficiency, 'run_jobs', run_jobs)


@pytest.mark.usefixtures('in_this_process')
def test_every_share_is_trained_both_ways(tmp_path: Path) -> None:
    recipe = replace(
        RECIPE, pretraining=PretrainingSettings(epochs=1),
        training=replace(RECIPE.training, epochs=1))
    seen: set[str] = set()
    points = efficiency.label_efficiency(
        recipe, little_split(), tmp_path / 'run', shares=(0.25, 1.0), seeds=1, workers=1,
        sources=(little_people(6, 9, name='more'),), watch=lambda job, _: seen.add(job.name))
    assert [(point.share, point.clips) for point in points] == [(0.25, 9), (1.0, 36)]
    assert all(len(point.fresh) == len(point.pretrained) == 1 for point in points)
    assert seen == {'pretraining-0', 'ours-0.25-fresh-0', 'ours-0.25-pretrained-0',
                    'ours-fresh-0', 'ours-pretrained-0'}
    few, other = (load_recogniser(tmp_path / 'run/jobs' / name).trained_on
                  for name in ('ours-0.25-fresh-0', 'ours-0.25-pretrained-0'))
    assert few['content'] == other['content'] and few['count'] == other['count'] == 9
    assert (few['pretrained'], other['pretrained']) == (False, True)


def test_pretrainings_come_first() -> None:
    before, after = jobs_of((0.1, 1.0), 2)
    assert before == [Job('pretraining', 0), Job('pretraining', 1)]
    assert len(after) == 8 and after[0].labels == 1.0


def test_figures() -> None:
    points = (Point(0.1, 43, (0.4, 0.5), (0.5, 0.6)), Point(1.0, 433, (0.8, 0.8), (0.8, 0.8)))
    values = efficiency.summary(points)
    assert json.loads(json.dumps(values)) == values
    assert values['0.1']['gain'] == pytest.approx(0.1) and values['1']['gain'] == 0
    assert '+10.0' in efficiency.table(points)


def test_impossible_questions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match='epochs is 0'):
        efficiency.label_efficiency(RECIPE, little_split(), tmp_path)
    for shares in ((0.0,), (1.5,), ()):
        with pytest.raises(ParameterError, match='between 0 and 1'):
            efficiency.label_efficiency(RECIPE, little_split(), tmp_path, shares=shares)
