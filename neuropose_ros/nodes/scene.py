"""The ``scene`` topic of the pose node: what whole pictures look like."""

from __future__ import annotations

from neuropose_ros.core import wire
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.pose import Frame, SceneEmbedding
from neuropose_ros.msg import SceneEmbedding as SceneEmbeddingMessage
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.nodes.ports import Output
from neuropose_ros.nodes.types import ROS
from neuropose_ros.pose.scene import DEFAULT_RATE_HZ, SceneEncoder, create_scene_encoder

PARAMETERS = (
    ParameterSpec(
        'scene_model', '', 'Which network encodes whole pictures for the topic scene: a name of '
        '`neuropose models list` of the kind scene. Empty: there is no such topic.'),
    ParameterSpec(
        'scene_rate_hz', DEFAULT_RATE_HZ, 'Pictures encoded per second at most; 0 = every one. '
        'Each is a run of the network, on top of the poses.', unit='Hz', minimum=0.0,
        maximum=1000.0),
)


class SceneOutput:
    """Encodes frames while somebody listens to ``scene``."""

    def __init__(self, node: StageNode) -> None:
        """Load the network and advertise, where a network is chosen.

        Args:
            node: whose port this is, with `PARAMETERS`, ``runtime``, ``precision`` and
                ``threads`` among its own.

        Raises:
            NeuroposeError: the network cannot be had or loaded.
        """
        chosen = node.settings
        self._encoder: SceneEncoder | None = None
        self._encoding_ms = 0.0
        if not chosen['scene_model']:
            return
        self._encoder = create_scene_encoder(
            chosen['scene_model'], runtime=chosen['runtime'], precision=chosen['precision'],
            threads=chosen['threads'], rate_hz=chosen['scene_rate_hz'],
            announce=node.get_logger().info)
        self._output: Output[SceneEmbedding] = Output(
            node, 'scene', SceneEmbeddingMessage, qos.reliable(5),
            lambda scene: wire.scene_to_message(scene, ROS),
            key=lambda scene: (scene.stamp_ns, scene.frame_seq), hub=node.hub)

    @property
    def demanded(self) -> bool:
        """Whether somebody listens."""
        return self._encoder is not None and self._output.demanded

    def process(self, frame: Frame) -> None:
        """Publish the vector of a frame where one is wanted and due.

        Raises:
            ModelError: the network failed.
        """
        if self._encoder is None or not self._output.demanded:
            return
        watch = Stopwatch()
        scene = self._encoder.encode(frame)
        if scene is not None:
            self._encoding_ms = watch.lap_ms()
            self._output.send(scene)

    def details(self) -> dict[str, str]:
        """Return what /diagnostics says of it; nothing without a network."""
        if self._encoder is None:
            return {}
        return {'scene_model': self._encoder.model, 'scenes': str(self._output.sent),
                'scene_ms': f'{self._encoding_ms:.1f}'}

    def close(self) -> None:
        """Give the network back; the node closes the port."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()
