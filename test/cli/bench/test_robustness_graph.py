from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.bench.robustness_graph import Graph
from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.pose_robustness.shots import Shot, Take, one_person

from ...learning.pose_robustness.people import truth
from ...pose import marker_networks as networks

BOX = (20, 30, 60, 90)
CORNERS = [(19.75, 29.75), (59.25, 89.25)]


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """A network that finds the corners of a white rectangle, wherever it is."""
    (tmp_path / 'corners.onnx').write_bytes(
        networks.rtmo_network(PictureInput(320, 320, channels='bgr')))
    (tmp_path / 'models.yaml').write_text(
        'corners:\n  path: corners.onnx\n  decoder: rtmo\n'
        '  layout: {joints: top_left bottom_right, bones: [[top_left, bottom_right]]}\n'
        '  input: {width: 320, height: 320, channels: bgr}\n')
    return Graph('corners', registry=load_registry(tmp_path / 'models.yaml'),
                 announce=lambda _: None)


def drawn(frames: int, source: str, move_px: int = 0) -> Take:
    shots = []
    for number in range(frames):
        box = tuple(side + move_px * number for side in BOX)
        shots.append(Shot(networks.rectangle_picture((160, 120), box), one_person(truth(), 0)))
    return Take(source, tuple(shots), 30.0 if frames > 1 else None)


def test_stills_are_looked_at_and_clips_are_refined_too(graph: Graph) -> None:
    try:
        found = graph.look([drawn(1, 'frames'), drawn(8, 'clips')])
    finally:
        graph.close()

    assert set(found) == {'corners', 'corners, not refined'}
    plain, refined = found['corners, not refined'], found['corners']
    assert [len(pictures) for pictures in refined] == [1, 8]
    np.testing.assert_allclose(plain[0][0][0].keypoints, CORNERS, atol=1e-3)
    assert plain[0][0][0].keypoint_velocities is None
    [last] = refined[1][-1]
    np.testing.assert_allclose(last.keypoints, CORNERS, atol=0.5)
    assert last.keypoint_velocities is not None, 'the refiner knows how it moves'


def test_a_clip_begins_anew_whatever_was_before(graph: Graph) -> None:
    try:
        first, again = (graph.look([drawn(4, 'clips', 2)])['corners'] for _ in range(2))
    finally:
        graph.close()

    for one, other in zip(first[0], again[0], strict=True):
        np.testing.assert_array_equal(one[0].keypoints, other[0].keypoints)


def test_a_picture_that_cannot_be_looked_at_is_no_miss(graph: Graph) -> None:
    one = drawn(1, 'frames').shots[0]
    flat = replace(one, image=np.zeros((4, 4), np.uint8))
    try:
        with pytest.raises(ModelError, match='height, width, 3'):
            graph.look([Take('frames', (flat,))])
    finally:
        graph.close()
