"""Learning on BlazePose: the decoder's answer with a gradient, both looks, what stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch')
import torch

from neuropose_ros.core.layouts import BLAZEPOSE33, convert_points, layout
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.pose_finetuning import blazepose
from neuropose_ros.learning.pose_finetuning.looks import LookBatch, joints_of
from neuropose_ros.learning.pose_training.augmentation import PLAIN, Person
from neuropose_ros.pose.blazepose.landmarks import refine

JHMDB = layout('jhmdb15')
ENTRY = load_registry()['blazepose-landmarks']
RNG = np.random.default_rng(1)


def outputs(count: int = 2) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(4)
    made = {'landmarks': rng.uniform(20, 230, (count, 195)), 'presence': np.ones((count, 1)),
            'heatmaps': rng.normal(-4, 3, (count, 39, 64, 64)),
            'world': rng.normal(0, 0.3, (count, 117))}
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in made.items()}


def test_refines_as_the_decoder_does() -> None:
    points = RNG.uniform(-10, 266, (1, 60, 2)).astype(np.float32)
    maps = RNG.normal(-3, 1.2, (1, 60, 64, 64)).astype(np.float32)  # some nowhere confident
    expected = refine(points[0] / 256, maps[0]) * 256
    found = blazepose.refine(torch.from_numpy(points), torch.from_numpy(maps))[0].numpy()
    kept = (expected == points[0]).all(1)
    assert 3 < kept.sum() < 57
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_bells_are_answered_with_their_middle() -> None:
    points = torch.tensor([[[40.0, 100.0], [201.5, 66.2]]])
    logits = torch.logit(blazepose.bells(points, 64).clamp(1e-6, 1 - 1e-6))
    found = blazepose.refine(points + 3, logits)
    assert (found - points).abs().max() < 0.1


def test_joints_are_matched_by_name() -> None:
    joints = joints_of(JHMDB, BLAZEPOSE33)
    pairs = {(JHMDB.names[a], BLAZEPOSE33.names[b])
             for a, b in zip(joints.annotated, joints.taught, strict=True)}
    assert ('left_knee', 'left_knee') in pairs and len(pairs) == 13
    assert joints.unused == ('neck', 'belly')  # they follow from others
    assert len(joints.kept) == 33 - 13


def person() -> Person:
    points = np.full((15, 2), np.nan, np.float32)
    for name, place in {
            'left_hip': (180, 160), 'right_hip': (160, 160), 'left_shoulder': (240, 150),
            'right_shoulder': (240, 175), 'left_ankle': (90, 160)}.items():
        points[JHMDB.index(name)] = place
    weights = np.isfinite(points).all(1).astype(np.float32)
    image = RNG.integers(0, 255, (341, 341, 3), dtype=np.uint8)
    return Person(image, points, weights, np.array([85, 140, 256, 180], np.float32))


def test_second_looks_are_upright_around_the_hips(monkeypatch: pytest.MonkeyPatch) -> None:
    look = blazepose.BlazePoseLook(ENTRY, JHMDB, PLAIN)
    monkeypatch.setattr(blazepose, '_FIRST_LOOKS', 0.0)
    crop = look.cut(person(), np.random.default_rng(0))
    hips = crop.points[[JHMDB.index('left_hip'), JHMDB.index('right_hip')]].mean(0)
    shoulders = crop.points[[JHMDB.index(f'{side}_shoulder') for side in ('left', 'right')]]
    np.testing.assert_allclose(hips, 128, atol=0.5)
    assert abs(shoulders.mean(0)[0] - 128) < 0.5 and shoulders.mean(0)[1] < 100  # they lay
    monkeypatch.setattr(blazepose, '_FIRST_LOOKS', 1.0)
    first = look.cut(person(), np.random.default_rng(0))
    assert first.points[JHMDB.index('left_shoulder'), 0] > 170  # as in the picture
    assert crop.weights.sum() == 5


def test_a_mirrored_look_has_its_sides_changed() -> None:
    plain, turned = (blazepose.BlazePoseLook(ENTRY, JHMDB, replace(PLAIN, mirror=share)).cut(
        person(), np.random.default_rng(0)) for share in (0.0, 1.0))
    left, right = JHMDB.index('left_hip'), JHMDB.index('right_hip')
    np.testing.assert_allclose(turned.points[left, 0], 256 - plain.points[right, 0], atol=0.1)
    np.testing.assert_allclose(turned.points[left, 1], plain.points[right, 1], atol=0.1)


def test_nothing_is_wrong_with_right_answers_and_nothing_changed_in_the_same() -> None:
    look, found = blazepose.BlazePoseLook(ENTRY, JHMDB, PLAIN), outputs()
    table = found['landmarks'].reshape(2, 39, 5)
    truth = convert_points(table[:, :33, :2].numpy(), BLAZEPOSE33, JHMDB)
    weights = torch.ones(2, 15)
    batch = LookBatch(torch.zeros(2), torch.zeros(2), torch.from_numpy(truth), weights)
    losses = look.losses(found, batch)
    assert float(losses['points']) < 1e-6 < float(losses['maps'])
    assert float(look.changed(found, found)) == 0
    moved = {**found, 'landmarks': found['landmarks'] + 5}
    assert float(look.losses(moved, batch)['points']) > 1
    assert float(look.changed(moved, found)) > 0.1
    nobody = batch._replace(weights=torch.zeros(2, 15))
    assert float(look.losses(moved, nobody)['points']) == 0


def test_what_is_annotated_may_change() -> None:
    look, found = blazepose.BlazePoseLook(ENTRY, JHMDB, PLAIN), outputs()
    knee, thumb = BLAZEPOSE33.index('left_knee'), BLAZEPOSE33.index('left_thumb')
    for joint, stays in ((knee, False), (thumb, True)):
        table = found['landmarks'].reshape(2, 39, 5).clone()
        table[:, joint, :2] += 20
        moved = {**found, 'landmarks': table.reshape(2, 195)}
        assert (float(look.changed(moved, found)) > 0) == stays
