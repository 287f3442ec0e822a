"""Changes that keep what is done: known answers on simple poses."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17, JHMDB15, KINECT20
from neuropose_ros.learning.augmentation import (
    AugmentationConfig,
    JointErrors,
    body_size,
    bone_tree,
    bursts,
    degrade,
    flipped,
    mirrored,
    rotation,
    transform,
)


def poses(dimensions: int = 3, clips: int = 4, ticks: int = 12, layout=KINECT20):
    rng = np.random.default_rng(7)
    still = rng.normal(size=(clips, 1, len(layout), dimensions))
    moved = still + 0.05 * rng.normal(size=(clips, ticks, len(layout), dimensions))
    return (moved - moved.mean((1, 2), keepdims=True)).astype(np.float32)


def everything(**values: float) -> AugmentationConfig:
    return AugmentationConfig(**{
        'mirror': 0.5, 'flip': 0.2, 'turn_deg': 30, 'tilt_deg': 10, 'scale': 0.1, 'shear': 0.1,
        'limbs': 0.1, 'jitter': 0.02, 'drift': 0.05, 'outlier_share': 0.05, 'swap': 0.05,
        'missing': 0.2, **values})


def bone_lengths(points, layout):
    start, end = np.asarray(layout.edges).T
    return np.linalg.norm(points[..., start, :] - points[..., end, :], axis=-1)


@pytest.mark.parametrize(('dimensions', 'layout'), [(2, JHMDB15), (2, COCO17), (3, KINECT20)])
def test_default_changes_nothing(dimensions, layout):
    points = poses(dimensions, layout=layout)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(degrade(points, layout, AugmentationConfig(), rng), points)
    np.testing.assert_array_equal(transform(points, layout, AugmentationConfig(), rng), points)


@pytest.mark.parametrize(('dimensions', 'layout'), [(2, JHMDB15), (2, COCO17), (3, KINECT20)])
def test_same_generator_same_answer_and_input_untouched(dimensions, layout):
    points = poses(dimensions, layout=layout)
    before = points.copy()

    def once(seed):
        rng = np.random.default_rng(seed)
        return transform(degrade(points, layout, everything(), rng), layout, everything(), rng)

    np.testing.assert_array_equal(once(1), once(1))
    assert not np.array_equal(once(1), once(2), equal_nan=True)
    np.testing.assert_array_equal(points, before)
    assert once(1).dtype == np.float32


@pytest.mark.parametrize('gap', [np.nan, 0.0])
def test_missing_joints_stay_missing(gap):
    points = poses()
    points[:, 3:6, 8] = gap
    out = transform(points, KINECT20, everything(mirror=0, flip=0), np.random.default_rng(0))
    np.testing.assert_array_equal(out[:, 3:6, 8], points[:, 3:6, 8])
    if np.isnan(gap):
        assert np.isfinite(np.delete(out, 8, 2)).all()
        errors = everything(swap=0, missing=0)
        out = degrade(points, KINECT20, errors, np.random.default_rng(0))
        np.testing.assert_array_equal(np.isnan(out), np.isnan(points))


def test_mirror_exchanges_pairs_and_reflects():
    points = poses(2, layout=JHMDB15)
    left, right = JHMDB15.mirror_pairs[0]
    out = mirrored(points, JHMDB15)
    np.testing.assert_allclose(out[..., left, :], points[..., right, :] * [-1, 1])
    np.testing.assert_array_equal(mirrored(out, JHMDB15), points)


def test_flip_exchanges_pairs_but_keeps_handedness():
    points = poses(3)
    left, right = KINECT20.mirror_pairs[0]
    out = flipped(points, KINECT20)
    np.testing.assert_allclose(out[..., left, :], points[..., right, :] * [-1, 1, -1])


@pytest.mark.parametrize('about', [0, 1, 2])
def test_rotation_keeps_its_axis_and_handedness(about):
    matrix = rotation(np.array([0.3, -2.0]), 3, about)
    axis = np.eye(3)[about]
    np.testing.assert_allclose(matrix @ axis, [axis, axis], atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-6)
    np.testing.assert_allclose(
        rotation(np.array([np.pi / 2]), 2)[0] @ [1, 0], [0, 1], atol=1e-6)


def test_turns_keep_bone_lengths_and_the_vertical():
    points = poses(3)
    config = AugmentationConfig(turn_deg=90)
    out = transform(points, KINECT20, config, np.random.default_rng(0), vertical=1)
    np.testing.assert_allclose(out[..., 1], points[..., 1], atol=1e-5)
    np.testing.assert_allclose(
        bone_lengths(out, KINECT20), bone_lengths(points, KINECT20), atol=1e-4)
    assert np.abs(out - points).max() > 0.5


def test_limbs_change_lengths_by_at_most_their_share_and_alike_on_both_sides():
    points = poses(3, clips=2)
    out = transform(
        points, KINECT20, AugmentationConfig(limbs=0.2), np.random.default_rng(0))
    ratio = bone_lengths(out, KINECT20) / bone_lengths(points, KINECT20)
    assert 0.8 - 1e-4 <= ratio.min() < 0.95 and 1.05 < ratio.max() <= 1.2 + 1e-4
    names = [{KINECT20.names[a], KINECT20.names[b]} for a, b in KINECT20.edges]
    left = names.index({'left_elbow', 'left_wrist'})
    right = names.index({'right_elbow', 'right_wrist'})
    np.testing.assert_allclose(ratio[..., left], ratio[..., right], atol=1e-4)
    np.testing.assert_allclose(ratio, ratio[:, :1].repeat(12, 1), atol=1e-4)


def test_bone_tree_reaches_each_joint_once_from_the_middle():
    for layout in (KINECT20, JHMDB15, COCO17):
        tree = bone_tree(layout)
        children = [child for _, child in tree]
        assert len(set(children)) == len(children)
        reached = {tree[0][0]}
        for parent, child in tree:
            assert parent in reached or parent not in children
            reached |= {parent, child}
        assert reached == {joint for edge in layout.edges for joint in edge}


def test_bursts_have_their_share_and_length():
    on = bursts((400,), 300, 0.3, 6.0, np.random.default_rng(0))
    assert on.mean() == pytest.approx(0.3, abs=0.02)
    starts = (on[:, 1:] & ~on[:, :-1]).sum() + on[:, 0].sum()
    assert on.sum() / starts == pytest.approx(6, rel=0.1)


def test_errors_have_the_sizes_that_they_are_told():
    points = poses(2, clips=60, ticks=40, layout=JHMDB15)
    sizes = np.ones(15, np.float32)
    sizes[4] = 3
    worse = degrade(points, JHMDB15, AugmentationConfig(drift=0.1), np.random.default_rng(0),
                    JointErrors(sizes, np.ones(15, np.float32)))
    unit = body_size(points, JHMDB15)[:, None, None, None]
    spread = ((worse - points) / unit).std((0, 1, 3))
    np.testing.assert_allclose(spread, 0.1 * sizes, rtol=0.15)
    error = ((worse - points) / unit)[:, :, 0, 0]
    lasting = np.mean(error[:, 1:] * error[:, :-1]) / np.mean(error ** 2)
    assert lasting == pytest.approx(np.exp(-1 / 10), abs=0.05)


def test_clips_that_do_not_err_are_seen_as_recorded():
    points = poses(clips=400)
    out = degrade(points, KINECT20, everything(erring=0.25), np.random.default_rng(0))
    changed = np.array([not np.array_equal(a, b) for a, b in zip(out, points, strict=True)])
    assert 0.18 < changed.mean() < 0.32


def test_share_missing():
    points = poses(2, clips=80, ticks=60, layout=JHMDB15)
    worse = degrade(
        points, JHMDB15, AugmentationConfig(missing=0.2), np.random.default_rng(0))
    assert np.isnan(worse).all(-1).mean() == pytest.approx(0.2, abs=0.02)


def test_exchanged_joints_come_from_the_other_side():
    points = poses(2, layout=JHMDB15)
    worse = degrade(
        points, JHMDB15, AugmentationConfig(swap=0.5), np.random.default_rng(0))
    left, right = JHMDB15.mirror_pairs[0]
    changed = (worse[..., left, :] != points[..., left, :]).any(-1)
    assert 0.2 < changed.mean() < 0.8
    np.testing.assert_array_equal(
        worse[changed][:, left], points[changed][:, right])


@pytest.mark.parametrize('values', [
    {'mirror': 1.5}, {'jitter': -0.1}, {'scale': 1.0}, {'burst_ticks': 0.5}])
def test_impossible_values_are_refused(values):
    with pytest.raises(ParameterError, match=next(iter(values))):
        AugmentationConfig(**values)
