"""Two looks, with labelled stand-ins whose errors are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, convert_points
from neuropose_ros.core.pose import Origin3D, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.create import create_region_estimator
from neuropose_ros.pose.ensemble import Cascade, Mirrored, averaged
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.people import make_person

from . import stick_figures as sticks

WIDTH, HEIGHT = sticks.SIZE
BOX = np.array([40, 60, 80, 180], np.float32)


class Shifted:
    """Stand-in: the figure that fills the region's box, moved by a constant error.

    In the mirror image too its left wrist is at the right, as of anybody who faces the camera.
    """

    model = 'shifted'

    def __init__(
        self, error_px: tuple[float, float], score: float = 0.8,
        layout: SkeletonLayout = COCO17,
    ) -> None:
        self.error_px, self.score, self.layout = error_px, score, layout
        self.asked: list[list[Region]] = []
        self.closed = False

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        self.asked.append(list(regions))
        return [self._one(region) for region in regions]

    def _one(self, region: Region) -> PersonPose:
        points = sticks.figure(region.box.tolist()) + np.array(self.error_px, np.float32)
        if self.layout is not COCO17:
            points = convert_points(points, COCO17, self.layout)
        scores = np.full(len(self.layout), self.score, np.float32)
        person = make_person(points, scores, WIDTH, HEIGHT, score=self.score)
        return replace(
            person, keypoints_3d=np.ones((len(self.layout), 3), np.float32),
            origin_3d=Origin3D.ROOT_RELATIVE)

    def close(self) -> None:
        self.closed = True


def _picture() -> Picture:
    return Picture(sticks.drawn(BOX.tolist()))


def test_the_mirror_image_cancels_an_error_to_one_side() -> None:
    [person] = Mirrored(Shifted((3, 2))).estimate(_picture(), [Region(BOX)])
    # What errs to the right errs to the left in the mirror; downwards stays downwards.
    np.testing.assert_allclose(
        person.keypoints, sticks.figure(BOX.tolist()) + np.float32([0, 2]), atol=1e-4)


def test_left_is_right_in_the_mirror() -> None:
    # The figure has its left wrist at the right: a network that does not swap would average it
    # with the right one, to the middle.
    [person] = Mirrored(Shifted((0, 0))).estimate(_picture(), [Region(BOX)])
    assert person.keypoints[COCO17.index('left_wrist')][0] == pytest.approx(80)
    assert person.keypoints[COCO17.index('right_wrist')][0] == pytest.approx(40)


def test_predicted_people_are_mirrored_too() -> None:
    network = Shifted((0, 0))
    expected = sticks.person(BOX.tolist())
    Mirrored(network).estimate(_picture(), [Region(BOX, expected)])
    [[plain], [mirrored]] = network.asked
    assert plain.person is expected
    np.testing.assert_allclose(
        mirrored.box, (WIDTH - 1 - 80, 60, WIDTH - 1 - 40, 180))
    assert mirrored.person is not None
    left = COCO17.index('left_wrist')
    right = COCO17.index('right_wrist')
    assert mirrored.person.keypoints[left][0] == pytest.approx(
        WIDTH - 1 - expected.keypoints[right][0])


def test_a_cascade_averages_by_confidence() -> None:
    cascade = Cascade(Shifted((4, 0), 0.9), Shifted((0, 0), 0.3))
    [person] = cascade.estimate(_picture(), [Region(BOX)])
    np.testing.assert_allclose(
        person.keypoints, sticks.figure(BOX.tolist()) + np.float32([3, 0]), atol=1e-4)
    np.testing.assert_allclose(person.keypoint_scores, 0.6, atol=1e-6)
    assert person.score == pytest.approx(0.6)
    assert cascade.model == 'shifted+shifted'


def test_the_second_network_is_told_the_first_ones_pose() -> None:
    first, second = Shifted((4, 0)), Shifted((0, 0), layout=BLAZEPOSE33)
    cascade = Cascade(first, second)
    expected = sticks.person((0, 0, 20, 20))
    [person] = cascade.estimate(_picture(), [Region(BOX, expected)])
    assert first.asked[0][0].person is None
    told = second.asked[0][0].person
    assert told is not None
    np.testing.assert_allclose(
        told.keypoints[BLAZEPOSE33.index('left_wrist')], (84, 120), atol=1e-4)
    assert np.isnan(told.keypoints[BLAZEPOSE33.index('left_heel')]).all()
    # Metres and the layout are the second one's.
    assert len(person.keypoints) == 33
    assert person.origin_3d is Origin3D.ROOT_RELATIVE


def test_what_only_one_knows_is_taken_from_it() -> None:
    one, other = sticks.person(BOX.tolist()), sticks.person((44, 60, 84, 180))
    points, scores = one.keypoints.copy(), one.keypoint_scores.copy()
    points[0], scores[0] = np.nan, 0
    halves = other.keypoints.copy()
    halves[:2] = np.nan
    mixed = averaged(
        replace(one, keypoints=points, keypoint_scores=scores),
        replace(other, keypoints=halves), _picture())
    assert np.isnan(mixed.keypoints[0]).all()
    np.testing.assert_allclose(mixed.keypoints[1], one.keypoints[1])
    np.testing.assert_allclose(mixed.keypoints[2], one.keypoints[2] + (2, 0), atol=1e-4)


def test_networks_without_a_common_joint_are_refused() -> None:
    lonely = SkeletonLayout('tail', ('tip', 'root'), ((0, 1),), ())
    with pytest.raises(ModelError, match='no joint in common'):
        Cascade(Shifted((0, 0)), Shifted((0, 0), layout=lonely))


def test_no_regions_no_looks_and_closing_closes_both() -> None:
    first, second = Shifted((0, 0)), Shifted((0, 0))
    cascade = Cascade(Mirrored(first), second)
    assert cascade.estimate(_picture(), []) == []
    assert not first.asked
    cascade.close()
    assert first.closed
    assert second.closed


@pytest.mark.parametrize(('name', 'said'), [
    ('movenet-lightning-int8:mirrored+nobody', "unknown pose model 'nobody'"),
    ('blazepose+rtmo-s', 'rtmo-s finds people by itself'),
    ('blazepose+yolox-nano', 'yolox-nano is no pose model'),
    ('blazepose:doubled', "unknown pose model 'blazepose:doubled'"),
])
def test_names_are_checked_before_anything_is_fetched(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path))
    with pytest.raises(ParameterError, match=said):
        create_region_estimator(name)
    assert not list(tmp_path.iterdir())


def test_networks_go_together_by_name(blazepose_models: None) -> None:
    pair = create_region_estimator('blazepose:mirrored+blazepose', threads=1)
    assert pair.layout == BLAZEPOSE33
    assert pair.model == (
        'blazepose/onnxruntime-cpu:mirrored+blazepose/onnxruntime-cpu')
    pair.close()
