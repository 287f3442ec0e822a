"""What a refiner has to beat is tuned on the clips for training alone."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.learning.baselines.refinement import ACCELERATIONS, CATALOGUE, Tasks, tune
from neuropose_ros.learning.refiner.measures import joint_offsets

from ..refiner.clips import make_pair


def pairs(count, seed=0):
    """Return clips of people who move at different speeds, found with noise."""
    return [make_pair(f'walk/{seed}-{index}', 24, 4.0, seed + index, (2.0, 1.0),
                      speed_px=0.5 + index % 3) for index in range(count)]


@pytest.fixture(scope='module')
def methods():
    clips = pairs(6)
    return tune(clips, clips, joint_offsets(clips))


def test_all_methods_are_there_and_say_whether_they_look_ahead(methods):
    ahead = {method.name: method.looks_ahead for method in methods}
    assert ahead == {baseline.name: baseline.looks_ahead for baseline in CATALOGUE} | {
        'smoothnet_causal': False, 'smoothnet_centred': True}


def test_tuning_never_makes_a_method_worse(methods):
    clips = pairs(6)
    tasks = Tasks(clips, clips, joint_offsets(clips), seed=7)
    for baseline, method in zip(CATALOGUE, methods, strict=False):
        begun, tuned = (tasks.of_real(one.real(tasks.found)) for one in (baseline, method))
        limit = ACCELERATIONS[baseline.looks_ahead]
        assert (tuned['pck@0.1'] >= begun['pck@0.1'] or tuned['accel'] < begun['accel']
                or tuned['accel'] <= limit), baseline.name
        errors = [sum(tasks.of_masked(one.masked).values()) for one in (baseline, method)]
        assert errors[1] <= errors[0] + 0.02, baseline.name


def test_filters_smooth_and_answer_everything(methods):
    unseen = pairs(3, seed=50)
    tasks = Tasks(unseen, unseen, joint_offsets(pairs(6)))
    raw = tasks.of_real(tasks.found.points)
    for method in methods:
        figures = tasks.figures(method)
        assert figures['answered'] == 1.0, method.name
        assert np.isfinite([figures['masked20'], figures['masked40']]).all(), method.name
        if method.name not in ('hold', 'hold_with_body', 'linear', 'spline'):
            assert figures['accel'] < raw['accel'], method.name


def test_looking_ahead_fills_gaps_better(methods):
    tasks = Tasks(pairs(1), pairs(4, seed=50), joint_offsets(pairs(6)))
    errors = {method.name: tasks.of_masked(method.masked)['masked20'] for method in methods}
    assert errors['linear'] < errors['hold']
    assert errors['hold_with_body'] < errors['hold']
