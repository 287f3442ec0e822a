"""Batches: resampled, normalised, padded, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.action.normalisation import Normalisation, normalise  # noqa: E402
from neuropose_ros.core.action import LabelSet  # noqa: E402
from neuropose_ros.core.errors import DataError, ParameterError  # noqa: E402
from neuropose_ros.core.layouts import JHMDB15, KINECT20  # noqa: E402
from neuropose_ros.learning.augmentation import AugmentationConfig, mirrored  # noqa: E402
from neuropose_ros.learning.clips import Clip, ClipSet  # noqa: E402
from neuropose_ros.learning.sampling import (  # noqa: E402
    Sampler,
    SamplingConfig,
    View,
    resample,
    view_at,
)

LENGTHS = (1, 5, 20, 33, 90)


def clips(layout=JHMDB15, dimensions=2, scenes=False) -> ClipSet:
    rng = np.random.default_rng(1)
    made = []
    for i, frames in enumerate(LENGTHS):
        points = rng.normal(size=(1, len(layout), dimensions)) + np.cumsum(
            0.1 * rng.normal(size=(frames, len(layout), dimensions)), 0)
        scene = rng.normal(size=(i, 6)).astype(np.float32) if scenes else None
        made.append(Clip(
            f'clip_{i}', points.astype(np.float32), np.arange(frames) / 30, i % 2, f'g{i}',
            None, scene, np.arange(i) / 2.0 if scenes else None))
    return ClipSet('made', layout, tuple(made), LabelSet('two', ('a', 'b')))


def same(a, b) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name))
               for name in ('keypoints', 'mask', 'lengths', 'labels', 'truth', 'truth_mask'))


CHANGES = AugmentationConfig(
    mirror=0.5, turn_deg=20, tilt_deg=5, scale=0.1, least_crop=0.7, speed=0.2, warp=0.2,
    jitter=0.02, drift=0.02, missing=0.3)


@pytest.mark.parametrize('config', [
    SamplingConfig(ticks=16, batch_size=2), SamplingConfig(causal=True, batch_size=2)])
def test_an_epoch_depends_on_seed_and_number_alone(config):
    sampler = Sampler(clips(), config, CHANGES, seed=3)
    first = list(sampler.epoch(0))
    again = list(Sampler(clips(), config, CHANGES, seed=3).epoch(0))
    assert len(first) == len(sampler) == 3
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert sorted(name for batch in first for name in batch.names) == [
        f'clip_{i}' for i in range(5)]
    for other in (sampler.epoch(1), Sampler(clips(), config, CHANGES, seed=4).epoch(0)):
        batches = list(other)
        assert [b.names for b in batches] != [b.names for b in first] or not all(
            same(a, b) for a, b in zip(batches, first, strict=True))


def test_processes_share_each_batch():
    sampler = Sampler(clips(), SamplingConfig(ticks=8, batch_size=5))
    parts = [next(sampler.epoch(2, rank, 2)).names for rank in (0, 1)]
    assert sorted(parts[0] + parts[1]) == sorted(next(sampler.epoch(2)).names)


def test_plain_view_is_the_normalised_clip():
    data = clips()
    batches = list(Sampler(data, SamplingConfig(batch_size=2, most_ticks=99)).ordered())
    assert [name for batch in batches for name in batch.names] == [
        clip.name for clip in data.clips]
    batch = batches[1]
    assert batch.lengths.tolist() == [20, 33] and batch.keypoints.shape == (2, 33, 15, 2)
    expected, mask = normalise(data.clips[2].keypoints, JHMDB15, Normalisation())
    np.testing.assert_allclose(batch.keypoints[0, :20], expected, atol=1e-4)
    np.testing.assert_array_equal(batch.mask[0, :20], mask)
    assert not batch.keypoints[0, 20:].any() and not batch.mask[0, 20:].any()
    assert torch.equal(batch.labels, torch.tensor([0, 1]))


def test_causal_form_is_what_a_stream_reads():
    data = clips()
    batch = next(Sampler(data, SamplingConfig(causal=True, memory_ticks=20)).ordered())
    expected, _ = normalise(data.clips[3].keypoints, JHMDB15, Normalisation(True, 20))
    np.testing.assert_allclose(batch.keypoints[3, :33], expected, atol=1e-4)
    assert batch.lengths.tolist() == [1, 5, 20, 33, 64]


def test_errors_are_in_the_keypoints_and_not_in_the_truth():
    changes = AugmentationConfig(missing=0.4, turn_deg=20, tilt_deg=10, scale=0.2)
    for config in (SamplingConfig(ticks=24), SamplingConfig(causal=True)):
        batch = next(Sampler(clips(), config, changes, seed=1).epoch(0))
        seen, known = batch.mask.bool(), batch.truth_mask.bool()
        assert seen.sum() < 0.9 * known.sum() and not (seen & ~known).any()
        assert torch.equal(batch.keypoints[seen], batch.truth[seen])
        assert not batch.keypoints[~seen].any()
        assert batch.truth[known & ~seen].abs().sum() > 0


def test_speed_changes_the_number_of_ticks_and_stretching_does_not():
    fast = AugmentationConfig(speed=0.5)
    drawn = {int(length) for epoch in range(6) for batch in Sampler(
        clips(), SamplingConfig(batch_size=9), fast).epoch(epoch)
        for name, length in zip(batch.names, batch.lengths, strict=True) if name == 'clip_3'}
    assert min(drawn) < 33 < max(drawn)
    batch = next(Sampler(clips(), SamplingConfig(ticks=12), fast).epoch(0))
    assert set(batch.lengths.tolist()) == {12}


def test_of_long_clips_evaluation_sees_the_middle_and_training_any_part():
    data = clips()
    whole, _ = normalise(data.clips[4].keypoints[40:50], JHMDB15, Normalisation())
    config = SamplingConfig(most_ticks=10)
    batch = next(Sampler(data, config).ordered())
    assert batch.lengths.max() == 10
    np.testing.assert_allclose(batch.keypoints[4], whole, atol=1e-4)
    parts = [batch.keypoints[batch.names.index('clip_4')] for epoch in range(3)
             for batch in Sampler(data, config).epoch(epoch)]
    assert not torch.equal(parts[0], parts[1]) or not torch.equal(parts[1], parts[2])


def test_a_camera_that_looks_down_is_levelled():
    # Upright people: y up, z away. Looking down, the camera sees heads nearer than feet.
    upright = np.zeros((1, 20, 3), np.float32)
    upright[0, :, 1] = np.linspace(-1, 1, 20)
    down = np.deg2rad(13)
    seen = np.stack([upright[..., 0], upright[..., 1] * np.cos(down),
                     -upright[..., 1] * np.sin(down)], -1).astype(np.float32)
    data = clips(KINECT20, 3).only((Clip('up', seen, np.zeros(1), 0),))
    batch = next(Sampler(data, SamplingConfig(camera_pitch_deg=13)).ordered())
    np.testing.assert_allclose(batch.keypoints[0, 0][:, [0, 2]], 0, atol=1e-5)
    assert batch.keypoints[0, 0, -1, 1] > 0


def test_test_time_views_differ_and_are_what_they_say():
    data = clips(KINECT20, 3)
    config = SamplingConfig(ticks=10, face_front=True)
    sampler = Sampler(data, config)
    plain, mirror = next(sampler.ordered(0)), next(sampler.ordered(1))
    np.testing.assert_allclose(
        mirror.keypoints, mirrored(plain.keypoints.numpy(), KINECT20), atol=1e-6)
    seen = {view_at(i, config) for i in range(8)}
    assert len(seen) == 8 and view_at(0, config) == View()
    assert same(next(sampler.ordered(5)), next(sampler.ordered(5)))


def test_scenes_are_padded_and_bounded():
    batch = next(Sampler(clips(scenes=True), SamplingConfig(ticks=4, scene_tokens=3)).ordered())
    assert batch.scene.shape == (5, 3, 6)
    assert batch.scene_mask.sum(1).tolist() == [0, 1, 2, 3, 3]
    assert next(Sampler(clips(), SamplingConfig(ticks=4)).ordered()).scene is None


def test_resampling_bridges_short_gaps_alone():
    points = np.arange(4, dtype=np.float32).reshape(4, 1, 1).repeat(2, 2)
    times = np.array([0.0, 0.1, 1.1, 1.2])
    frames = np.array([0.5, 1.02, 1.5, 2.0, 2.25])
    out = resample(points, times, frames, bridge_s=0.25, period_s=0.1)[:, 0, 0]
    np.testing.assert_allclose(out, [0.5, 1.0, np.nan, 2.0, 2.25])
    assert resample(points, times, frames)[2, 0, 0] == 1.5
    points[1] = np.nan
    out = resample(points, times, np.array([0.4, 0.6, 1.8]))[:, 0, 0]
    np.testing.assert_allclose(out, [0.0, np.nan, 2.0])


def test_impossible_settings_are_refused():
    with pytest.raises(ParameterError, match='rate_hz'):
        SamplingConfig(rate_hz=0)
    with pytest.raises(ParameterError, match='batch_size'):
        SamplingConfig(batch_size=0)
    with pytest.raises(ParameterError, match='face_front'):
        SamplingConfig(causal=True, face_front=True)
    with pytest.raises(DataError, match='no clip'):
        Sampler(clips().only(()), SamplingConfig())
