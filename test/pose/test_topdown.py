"""Top-down estimation against networks that find drawn spots, to the last bin and cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import JointState
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.geometry import points_to_picture, top_down_warps
from neuropose_ros.pose.topdown import TopDown

from . import marker_networks as networks

TARGET = networks.rgb_input(96, 128)
SIGMA_PX = 3.0
PEOPLE = (
    ((40.3, 33.7), (52.9, 48.2), (45.2, 70.6)),
    ((130.8, 41.15), (118.4, 60.9), (141.7, 75.2)),
)
# Both crops show a picture's pixel as one pixel and a half; the second one reaches outside.
BOXES = np.array([[20, 20, 71.2, 88.26667], [105, 25, 156.2, 93.26667]]) - 0.5
PX = 1.25 * 51.2 / 96


def _picture() -> Picture:
    return Picture(networks.spots_picture((160, 120), PEOPLE, SIGMA_PX))


def _regions() -> list[Region]:
    return [Region(box.astype(np.float32)) for box in BOXES]


def _spots_in_crops() -> tuple[np.ndarray, np.ndarray]:
    """Return the maps, and where the spots lie in the crops."""
    warps = top_down_warps(BOXES, TARGET.width, TARGET.height)
    places = (np.array(PEOPLE) - warps[:, np.newaxis, :, 2]) / warps[:, np.newaxis, [0, 1], [0, 1]]
    return warps, places


@pytest.mark.parametrize('ratio', [1.0, 2.0, 3.0])
def test_simcc_gives_the_nearest_bin_of_each_spot(ratio: float) -> None:
    entry = networks.entry('pose', 'simcc', TARGET, layout=networks.SPOTS)
    network = networks.simcc_network(TARGET, SIGMA_PX / PX, ratio=ratio)
    estimator = TopDown(networks.load(network), entry)
    people = estimator.estimate(_picture(), _regions())
    warps, places = _spots_in_crops()
    expected = points_to_picture((places * ratio).round() / ratio, warps)
    for person, points in zip(people, expected, strict=True):
        np.testing.assert_allclose(person.keypoints, points, atol=1e-4)
        np.testing.assert_allclose(
            person.keypoint_scores, np.array(networks.HEIGHTS) / 255, atol=0.02)
        assert set(person.keypoint_states) == {JointState.MEASURED}
        assert person.score == pytest.approx(person.keypoint_scores[:2].mean(), abs=0.01)
    # That is within half a bin of the truth.
    drawn = np.array(PEOPLE)
    found = np.stack([person.keypoints for person in people])
    assert np.abs(found - drawn).max() <= PX / ratio / 2 + 1e-3
    np.testing.assert_allclose(people[0].box, np.concatenate((
        found[0].min(0), found[0].max(0))))


def test_heat_maps_give_the_cell_and_a_quarter() -> None:
    entry = networks.entry('pose', 'heatmap', TARGET, layout=networks.SPOTS)
    estimator = TopDown(networks.load(networks.heatmap_network(TARGET)), entry)
    people = estimator.estimate(_picture(), _regions())
    warps, places = _spots_in_crops()
    cells = (places / 4).round()
    cells += 0.25 * np.sign(places / 4 - cells)
    expected = points_to_picture(cells * 4, warps)
    found = np.stack([person.keypoints for person in people])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found - np.array(PEOPLE)).max() <= PX + 1e-3


def test_people_in_one_batch_are_those_of_single_runs() -> None:
    entry = networks.entry('pose', 'simcc', TARGET, layout=networks.SPOTS)
    estimator = TopDown(networks.load(networks.simcc_network(TARGET, SIGMA_PX / PX)), entry)
    regions = _regions() * 3
    together = estimator.estimate(_picture(), regions)
    alone = [estimator.estimate(_picture(), [region])[0] for region in regions]
    assert len(together) == 6
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
    assert estimator.estimate(_picture(), []) == []


def test_an_empty_crop_has_no_joints() -> None:
    entry = networks.entry('pose', 'simcc', TARGET, layout=networks.SPOTS)
    estimator = TopDown(networks.load(networks.simcc_network(TARGET, SIGMA_PX / PX)), entry)
    box = np.array([400, 400, 400, 400], np.float32)
    [nobody] = estimator.estimate(_picture(), [Region(box)])
    assert nobody.score < 0.01
    assert set(nobody.keypoint_states) <= {JointState.MISSING, JointState.OUT_OF_FRAME}


def test_padding_and_the_least_score_come_from_the_entry() -> None:
    entry = networks.entry(
        'pose', 'simcc', TARGET, layout=networks.SPOTS,
        options={'padding': 1.0, 'least_joint_score': 0.7})
    estimator = TopDown(networks.load(networks.simcc_network(TARGET, SIGMA_PX / PX * 1.25)), entry)
    person = estimator.estimate(_picture(), _regions())[0]
    np.testing.assert_allclose(person.keypoints, PEOPLE[0], atol=PX / 1.25 / 4 + 1e-3)
    assert person.keypoint_states.tolist() == [
        JointState.MEASURED, JointState.MEASURED, JointState.OCCLUDED]


def test_the_entry_may_say_which_output_is_which() -> None:
    entry = networks.entry('pose', 'simcc', TARGET, layout=networks.SPOTS)
    runtime = networks.load(networks.simcc_network(TARGET, SIGMA_PX / PX))
    swapped = replace(entry, outputs={0: 'simcc_y', 1: 'simcc_x'})
    with pytest.raises(ModelError, match='with one ratio r'):
        TopDown(runtime, swapped)
    named = replace(entry, outputs={0: 'simcc_x', 1: 'simcc_y'})
    assert len(TopDown(runtime, named).estimate(_picture(), _regions())) == 2


def test_outputs_that_do_not_fit_are_named_with_their_shapes() -> None:
    runtime = networks.load(networks.simcc_network(TARGET, SIGMA_PX))
    entry = networks.entry('pose', 'simcc', TARGET, layout='coco17')
    with pytest.raises(ModelError, match=(
            r'model pose: the decoder simcc reads SimCC vectors of \(1, 17, 96 \* r\) and '
            r'\(1, 17, 128 \* r\) with one ratio r, but the network puts out simcc_x '
            r'\(1, 3, 192\), simcc_y \(1, 3, 256\)')):
        TopDown(runtime, entry)
    with pytest.raises(ModelError, match=r'heat maps \(1, 3, H, W\)'):
        TopDown(runtime, replace(entry, decoder='heatmap', layout=networks.SPOTS))
    with pytest.raises(ModelError, match=r'pose is not read top-down.*simcc, heatmap'):
        TopDown(runtime, replace(entry, decoder='rtmo'))
