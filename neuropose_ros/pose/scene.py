"""What a whole picture looks like, as one vector: the context in which people act."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Frame, SceneEmbedding
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.inference.select import create_runtime
from neuropose_ros.pose.network import PictureNetwork

DECODER = 'embedding'
DEFAULT_RATE_HZ = 2.0
_WHOLE = np.eye(2, 3)[np.newaxis]


def scene_models(registry: Mapping[str, ModelEntry] | None = None) -> tuple[str, ...]:
    """Return the names that `create_scene_encoder` knows."""
    known = load_registry() if registry is None else registry
    return tuple(name for name, entry in known.items() if entry.kind == 'scene')


class SceneEncoder:
    """Encodes pictures at no more than a given rate."""

    def __init__(
        self, runtime: Runtime, entry: ModelEntry, *, rate_hz: float = DEFAULT_RATE_HZ,
    ) -> None:
        """Take a loaded network, which is closed with the encoder.

        Args:
            runtime: the network.
            entry: what the registry says of it; decoder ``embedding``.
            rate_hz: vectors per second of the pictures' time at most; 0 = one for each picture.

        Raises:
            ModelError: it does not take the picture that the registry describes, or does not
                put out one vector.
        """
        self._network = PictureNetwork(runtime, entry)
        self._period_ns = round(NS_PER_S / rate_hz) if rate_hz else 0
        self._last: tuple[int, int] | None = None
        self._due_ns = 0
        self._output = self._network.vector(DECODER)

    @property
    def model(self) -> str:
        """Id of the network: vectors of different ones do not mix."""
        return self._network.entry.name

    @property
    def size(self) -> int:
        """D, the length of the vectors."""
        return int(np.prod(self._network.shapes[self._output]))

    def due(self, frame: Frame) -> bool:
        """Whether `encode` would encode this frame: the period is over, or time began anew."""
        if self._last is None:
            return True
        stamp_ns, epoch = self._last
        return frame.epoch != epoch or frame.stamp_ns < stamp_ns or (
            frame.stamp_ns >= self._due_ns)

    def encode(self, frame: Frame) -> SceneEmbedding | None:
        """Return the vector of a frame; None where none is due.

        The whole picture is averaged down to the network's size, whatever its shape: at its
        borders there is as much of the scene as in the middle.
        """
        if not self.due(frame):
            return None
        # A slow camera's frames do not add up: the next period begins on the grid, or now.
        ahead = self._last is not None and 0 <= frame.stamp_ns - self._due_ns < self._period_ns
        self._due_ns = (self._due_ns if ahead else frame.stamp_ns) + self._period_ns
        self._last = frame.stamp_ns, frame.epoch
        target = self._network.entry.input
        small = np.asarray(cv2.resize(
            frame.image, (target.width, target.height), interpolation=cv2.INTER_AREA), np.uint8)
        outputs = self._network.run(Picture(small), _WHOLE, None)
        vector = self._network.download(outputs[self._output])
        return SceneEmbedding(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, model=self.model,
            embedding=np.array(vector, np.float32).ravel(), frame_id=frame.frame_id,
            epoch=frame.epoch)

    def reset(self) -> None:
        """Forget all earlier frames: the next one is due."""
        self._last = None

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()


def create_scene_encoder(
    name: str, *, runtime: str = 'auto', precision: str = 'fp16', threads: int = 0,
    rate_hz: float = DEFAULT_RATE_HZ, registry: Mapping[str, ModelEntry] | None = None,
    announce: Announce = announce_on_stderr,
) -> SceneEncoder:
    """Return a scene encoder, its network fetched on first use.

    Args:
        name: one of `scene_models`.
        runtime, precision, threads: see `create_runtime`.
        rate_hz: see `SceneEncoder`.
        registry: None = the package's list and the user's.
        announce: takes one sentence for people.

    Raises:
        ParameterError: the name is unknown.
        ModelError: the model cannot be had or loaded.
    """
    known = load_registry() if registry is None else registry
    entry = known.get(name)
    if entry is None or entry.kind != 'scene':
        raise ParameterError(
            f'unknown scene encoder {name!r}; known are {", ".join(scene_models(known))}')
    path, = ensure_models(name, registry=known)
    loaded = create_runtime(
        path, runtime=runtime, precision=precision, input=entry.input, threads=threads,
        announce=announce)
    try:
        return SceneEncoder(loaded, entry, rate_hz=rate_hz)
    except Exception:
        loaded.close()
        raise
