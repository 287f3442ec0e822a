"""One-stage networks that find the corners of a drawn rectangle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Frame, FrameStatus, JointState
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.pose.onestage import OneStage

from . import marker_networks as networks

RTMO_INPUT = PictureInput(320, 320, channels='bgr')
YOLO_INPUT = PictureInput(320, 320, (0, 0, 0), (255, 255, 255), 'rgb')
BOX = (20, 30, 60, 90)
NETWORKS = {
    'rtmo': ('rtmo', RTMO_INPUT, networks.rtmo_network),
    'yolo': ('yolo-pose', YOLO_INPUT, networks.yolo_pose_network),
    'yolo end to end': ('yolo-pose', YOLO_INPUT, networks.end_to_end_yolo_pose_network),
}


def _estimator(name: str, **more: float) -> OneStage:
    decoder, target, build = NETWORKS[name]
    entry = networks.entry('one', decoder, target, layout=networks.CORNERS)
    return OneStage(networks.load(build(target)), entry, **more)


def _frame(size: tuple[int, int] = (160, 120)) -> Frame:
    return Frame(networks.rectangle_picture(size, BOX), 5, 7, frame_id='eye', epoch=2)


@pytest.mark.parametrize('name', NETWORKS)
def test_box_and_joints_come_back_exactly(name: str) -> None:
    result = _estimator(name).estimate(_frame())
    assert result.status is FrameStatus.OK
    assert (result.stamp_ns, result.frame_seq, result.epoch, result.frame_id) == (5, 7, 2, 'eye')
    assert (result.image_width, result.image_height) == (160, 120)
    assert result.layout == networks.CORNERS.id and result.model == 'one/onnxruntime-cpu'
    [person] = result.persons
    assert person.score == pytest.approx(0.9)
    np.testing.assert_allclose(person.box, np.array(BOX) - 0.5, atol=1e-4)
    # The crop is twice the picture: the centres of its first and last white pixels are a quarter
    # of a pixel from the edges.
    np.testing.assert_allclose(
        person.keypoints, [(19.75, 29.75), (59.25, 89.25)], atol=1e-4)
    np.testing.assert_allclose(person.keypoint_scores, [0.8, 0.1])
    assert person.keypoint_states.tolist() == [JointState.MEASURED, JointState.OCCLUDED]
    assert min(result.preprocess_ms, result.inference_ms, result.postprocess_ms) > 0


@pytest.mark.parametrize('name', NETWORKS)
def test_nobody_is_said(name: str) -> None:
    result = _estimator(name, least_score=0.96).estimate(_frame())
    assert result.status is FrameStatus.NO_PERSON and result.persons == ()


@pytest.mark.parametrize(('build', 'target', 'decoder', 'sentence'), [
    (networks.rtmo_network, RTMO_INPUT, 'rtmo',
     r'joints of \(1, N, 17, 3\), but .* dets \(1, 1, 5\), keypoints \(1, 1, 2, 3\)'),
    (networks.yolo_pose_network, YOLO_INPUT, 'yolo-pose',
     r'\(1, 4 \+ classes \+ 51, 2100\), or of \(1, N, 57\).* output0 \(1, 11, 2100\)'),
])
def test_outputs_that_do_not_fit_are_named_with_their_shapes(
    build: Callable[[PictureInput], bytes], target: PictureInput, decoder: str,
    sentence: str,
) -> None:
    with pytest.raises(ModelError, match=sentence):
        OneStage(
            networks.load(build(target)),
            networks.entry('one', decoder, target, layout='coco17'))


def test_another_kind_of_decoder_is_refused() -> None:
    entry = networks.entry('one', 'simcc', RTMO_INPUT, layout=networks.CORNERS)
    with pytest.raises(ModelError, match=r'not read in one stage.*rtmo, yolo-pose'):
        OneStage(networks.load(networks.rtmo_network(RTMO_INPUT)), entry)
