"""What pre- and post-processing has to offer, wherever a network's arrays lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Tensor = Any
"""An array that some `DeviceOps` made: numpy's on the host, torch's beside a GPU."""
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class PictureInput:
    """The picture that a network takes: value = (0..255 - mean) / std, per channel.

    Attributes:
        width, height: px; what a dynamic network is run at.
        mean, std: in the network's order of channels; 0 and 1 where the network normalises.
        channels: the network's order.
        axes: order of the tensor's axes.
        dtype: numpy's name of the values.
    """

    width: int
    height: int
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: Literal['rgb', 'bgr'] = 'rgb'
    axes: Literal['nchw', 'nhwc'] = 'nchw'
    dtype: str = 'float32'


class DeviceOps(Protocol):
    """Image work and readings of network outputs; nothing travels unless it says so."""

    @property
    def device(self) -> str:
        """Where the arrays lie: ``cpu``, ``cuda:0``."""
        ...

    def upload(self, image: Image) -> Tensor:
        """Bring a (H, W, 3) uint8 BGR picture there; on the host the picture itself."""
        ...

    def crops(
        self, picture: Tensor, warps: NDArray[np.float64], target: PictureInput,
        fill: float | None = 0.0,
    ) -> Tensor:
        """Cut N parts out of a picture, ready for a network.

        Args:
            picture: from `upload`.
            warps: (N, 2, 3), affine maps from px of the crop to px of the picture, both counted
                from the centre of the top-left pixel.
            target: size, normalisation and axes of the result.
            fill: grey level outside the picture; None = the nearest pixel.

        Returns:
            (N, 3, H, W) or (N, H, W, 3): bilinear samples.
        """
        ...

    def simcc(self, x: Tensor, y: Tensor) -> tuple[Floats, Floats]:
        """Read coordinate classifications (Li et al. 2022, SimCC) of N people and K joints.

        Args:
            x: (N, K, Wx) scores of horizontal bins.
            y: (N, K, Wy) scores of vertical bins.

        Returns:
            On the host: (N, K, 2) the best bins, and (N, K) the lesser of their two scores.
        """
        ...

    def heatmaps(self, maps: Tensor) -> tuple[Floats, Floats]:
        """Read (N, K, H, W) heat maps.

        Returns:
            On the host: (N, K, 2) x y of the peaks in cells, moved by a quarter cell towards
            the higher neighbour (Newell et al. 2016), and (N, K) their heights.
        """
        ...

    def download(self, tensor: Tensor) -> NDArray[Any]:
        """Bring an array to the host."""
        ...


class Picture:
    """A picture that is brought to each device at most once."""

    def __init__(self, image: Image) -> None:
        """Take a (H, W, 3) uint8 BGR picture, which nobody writes to."""
        self.image = image
        self._there: dict[str, Tensor] = {}

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.image.shape[0])

    def on(self, ops: DeviceOps) -> Tensor:
        """Return the picture where ``ops`` works."""
        if ops.device not in self._there:
            self._there[ops.device] = ops.upload(self.image)
        return self._there[ops.device]
