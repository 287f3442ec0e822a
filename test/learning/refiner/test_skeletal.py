"""How bodies move is learnt alike for both sides."""

import numpy as np

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.refiner.skeletal import fit_skeletal
from neuropose_ros.refinement.canonical import CORE_JOINTS, mirrored_core

from .clips import make_pair


def restless(joint):
    """Return clips in which one joint trembles."""
    pairs = [make_pair(f'walk/{seed}', seed=seed) for seed in range(4)]
    for seed, pair in enumerate(pairs):
        pair.truth[:, JHMDB15.index(joint)] += np.random.default_rng(seed).normal(
            0, 5, (len(pair), 2)).astype(np.float32)
    return pairs


def test_covariances_are_proper_and_mirrored():
    model = fit_skeletal(restless('left_wrist'))
    mirror = mirrored_core()
    for covariance in (model.shape, model.walk):
        assert np.allclose(covariance, covariance[np.ix_(mirror, mirror)])
        assert np.linalg.eigvalsh(covariance).min() > -1e-9


def test_a_joint_that_moves_alone_is_said_to():
    walk = np.diag(fit_skeletal(restless('left_wrist')).walk)
    wrist, hip = (walk[CORE_JOINTS.index(name)] for name in ('right_wrist', 'right_hip'))
    assert wrist > 2 * hip
