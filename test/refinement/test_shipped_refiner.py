"""What the refiner that ships does with precise joints, reaches and hidden joints."""

import numpy as np
import pytest

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.resources import config_folder
from neuropose_ros.refinement.evidence import NetworkInput
from neuropose_ros.refinement.network import open_refiner

BOX_PX = 300.0
WRIST, ELBOW = (JHMDB15.index(f'right_{part}') for part in ('wrist', 'elbow'))
# A standing figure from the front, in heights; in the order of JHMDB15.
STANDING = np.array((
    (0, -.3), (0, -.1), (0, -.42), (-.1, -.29), (.1, -.29), (-.07, .02), (.07, .02), (-.14, -.13),
    (.14, -.13), (-.08, .25), (.08, .25), (-.15, .02), (.15, .02), (-.08, .48), (.08, .48)))


@pytest.fixture(scope='module')
def refine():
    loaded = open_refiner(config_folder() / 'refiners' / 'jhmdb14', announce=print)

    def through(points, sd=0.006):
        follower = loaded.network()
        follower.bind(JHMDB15.names)
        follower.arrange(np.array([-1]))
        said = []
        for tick, frame in enumerate(points * BOX_PX + 400.0):
            told = follower.step(tick and 1 / 30, NetworkInput(
                frame[None], np.full((1, 15), sd * BOX_PX)))
            said.append(told.position[0])
        return (np.array(said) - 400.0) / BOX_PX

    yield through
    loaded.close()


def walk(frames=60, step=0.0):
    way = np.arange(frames)[:, None, None] * np.array((step, 0.0))
    return STANDING + way


def test_a_precise_body_is_left_alone_however_it_moves(refine):
    for step in (0.0, 0.01, 0.03):
        truth = walk(step=step)
        assert np.abs(refine(truth) - truth)[5:].max() < 0.015, step


def test_a_reach_is_not_late(refine):
    """Of a detector that states more noise than it makes."""
    truth = walk()
    share = np.clip((np.arange(60) - 30) / 15, 0, 1)
    way = (share ** 3 * (10 - 15 * share + 6 * share ** 2))[:, None] * np.array((0.2, -0.1))
    truth[:, WRIST] += way
    truth[:, ELBOW] += way / 2
    noise = np.random.default_rng(0).normal(0, 0.01, (8, *truth.shape))
    found = np.mean([refine(truth + part, sd=0.045) for part in noise], 0)
    length = np.hypot(0.2, 0.1)
    course = (found[:, WRIST] - STANDING[WRIST]) @ np.array((0.2, -0.1)) / length ** 2
    half_way = int(np.argmax(course > 0.5))
    late = half_way - (course[half_way] - 0.5) / (course[half_way] - course[half_way - 1]) - 37.5
    assert -1.0 < late < 1.0


def test_a_hidden_joint_goes_with_its_body(refine):
    truth = walk(step=0.01)
    seen = truth.copy()
    seen[20:35, WRIST] = np.nan
    hold = 0.01 * 15
    assert np.linalg.norm(refine(seen) - truth, axis=-1)[34, WRIST] < 0.4 * hold
