"""Ways through the room, and people in the same clothes who cross on them twice."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import JointState
from neuropose_ros.sources.synthetic.paths import Loop, Straight, crossing_loops
from neuropose_ros.sources.synthetic.scenes import parse
from neuropose_ros.sources.synthetic.source import open_synthetic

SMALL = 'width=320&height=240&noise=0'


@pytest.mark.parametrize('turn', [1, -1])
def test_a_loop_is_walked_forwards_at_constant_speed(turn):
    loop = Loop(depth_m=-0.5, length_m=3.0, speed_m_s=1.2, start_m=0.4, turn=turn)
    times = np.arange(0.0, 2 * loop.lap_m / 1.2, 0.01)
    places = [loop.at(time_s) for time_s in times]
    steps = np.diff([place.position for place in places], axis=0) / 0.01
    assert np.linalg.norm(steps, axis=1) == pytest.approx(1.2, rel=1e-3)
    headings = np.array([place.heading for place in places[:-1]])
    forwards = steps[:, 0] * np.cos(headings) + steps[:, 1] * np.sin(headings)
    assert forwards == pytest.approx(1.2, rel=1e-2)
    y = np.array([place.position[1] for place in places])
    assert -1.8 < y.min() < -1.5
    assert 1.5 < y.max() < 1.8


def test_a_straight_is_walked_again_and_again():
    way = Straight(np.array([0.4, 0.0, 0.0]), np.pi / 2, 4.0, 1.0, start_m=1.0)
    assert way.at(0.0).position == pytest.approx([0.4, -1.0, 0.0])
    assert way.at(2.5).position == pytest.approx([0.4, 1.5, 0.0])
    assert way.at(3.5).position == pytest.approx([0.4, -1.5, 0.0])
    assert [way.passes(time_s) for time_s in (0.0, 2.9, 3.1, 7.1)] == [0, 0, 1, 2]


@pytest.mark.parametrize('seed', range(5))
def test_nobody_walks_into_anybody(seed):
    loops = crossing_loops(4, seed, 0.35, np.full(4, 1.2), lambda x: 2.0)
    times = np.linspace(0, 12, 600)
    places = np.array([[loop.at(t).position for t in times] for loop in loops])
    for i in range(4):
        for j in range(i):
            assert np.linalg.norm(places[i] - places[j], axis=1).min() > 0.4
    rightwards = [loop.at(0.01).position[1] > loop.at(0.0).position[1] for loop in loops]
    assert sum(rightwards) == 2


@pytest.mark.parametrize('seed', [3, 4])
def test_four_people_in_the_same_clothes_cross_and_come_back(seed):
    source = open_synthetic(f'synthetic:crossing?seed={seed}&{SMALL}&rate=10')
    found = [source.read() for _ in range(80)]
    assert not any(picture.restart for picture in found[1:])
    centres = np.empty((80, 4))
    hidden = 0
    for i, picture in enumerate(found):
        people = picture.truth.persons
        assert [person.track_id for person in people] == [0, 1, 2, 3]
        centres[i] = [person.keypoints[:, 0].mean() for person in people]
        states = np.array([person.keypoint_states for person in people])
        assert (states == JointState.OUT_OF_FRAME).mean() < 0.02
        hidden += int(((states == JointState.OCCLUDED).mean(axis=1) > 0.75).sum())
    assert hidden > 5, 'somebody is behind somebody else for a while'
    crossed = [
        int((np.diff(np.sign(centres[:, i] - centres[:, j])) != 0).sum())
        for i in range(4) for j in range(i)]
    assert sum(count >= 2 for count in crossed) >= 4, crossed
    speeds = np.abs(np.diff(centres, axis=0)).max(axis=0)
    assert len(set(speeds.round(2))) == 4


def test_seeds_vary_the_ways():
    first, second = (
        open_synthetic(f'synthetic:crossing?seed={seed}&{SMALL}').read().truth.persons
        for seed in (0, 4))
    assert abs(first[0].keypoints[0, 0] - second[0].keypoints[0, 0]) > 1


def test_its_people_walk_at_paces_and_in_a_view_of_their_own():
    for word in ('cadence=100', 'stride=1.2', 'view=front'):
        with pytest.raises(SourceError, match='has no option'):
            parse(f'synthetic:crossing?{word}')
    assert parse('synthetic:crossing?people=3')[0].people == 3
