"""The same estimators where pictures and outputs are torch's: nothing but numpy comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.pose import Frame
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.pose.detectors import BoxDetector
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.onestage import OneStage
from neuropose_ros.pose.topdown import TopDown

from . import marker_networks as networks

torch = pytest.importorskip('torch', reason='torch is not installed', exc_type=ImportError)

from neuropose_ros.inference.ops.torch import TorchOps  # noqa: E402


class TorchSide:
    """A stand-in for a runtime whose device is torch's: ONNX Runtime between two copies."""

    def __init__(self, runtime: OnnxRuntime) -> None:
        self._runtime = runtime
        self.ops = TorchOps('cpu')
        self.name, self.largest_batch = 'torch side', 0
        self.inputs, self.outputs = runtime.inputs, runtime.outputs

    def run_on_device(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Run on torch's arrays; the outputs are torch's."""
        host = {name: np.ascontiguousarray(value.numpy()) for name, value in inputs.items()}
        return {name: torch.from_numpy(value)
                for name, value in self._runtime.run(host).items()}

    def close(self) -> None:
        """Close the runtime."""
        self._runtime.close()


SPOTS = ((40.3, 33.7), (52.9, 48.2), (45.2, 70.6))


@pytest.mark.parametrize(('decoder', 'build', 'limit'), [
    ('simcc', lambda target: networks.simcc_network(target, 4.0), 0.2),
    ('heatmap', networks.heatmap_network, 0.8),
])
def test_joints_are_read_there(decoder: str, build: Any, limit: float) -> None:
    target = networks.rgb_input(96, 128)
    runtime = TorchSide(networks.load(build(target)))
    estimator = TopDown(runtime, networks.entry('p', decoder, target, layout=networks.SPOTS))
    picture = Picture(networks.spots_picture((160, 120), [SPOTS], 3.0))
    box = np.array([20, 20, 71, 88], np.float32)
    for person in estimator.estimate(picture, [Region(box), Region(box + 5)]):
        assert type(person.keypoints) is np.ndarray
        np.testing.assert_allclose(person.keypoints, SPOTS, atol=limit)


def test_boxes_and_whole_people_are_read_from_there() -> None:
    target = PictureInput(320, 320, channels='bgr')
    image = networks.rectangle_picture((160, 120), (20, 30, 60, 90))
    edges = np.array([(20, 30, 60, 90)]) - 0.5
    detector = BoxDetector(
        TorchSide(networks.load(networks.yolox_network(target))),
        networks.entry('d', 'yolox', target, 'detector'))
    np.testing.assert_allclose(detector.detect(Picture(image)).boxes, edges, atol=1e-3)
    estimator = OneStage(
        TorchSide(networks.load(networks.rtmo_network(target))),
        networks.entry('o', 'rtmo', target, layout=networks.CORNERS))
    [person] = estimator.estimate(Frame(image, 1, 0)).persons
    np.testing.assert_allclose(person.box, edges[0], atol=1e-3)
