"""A network that takes pictures, held against what the registry says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.batching import Batcher
from neuropose_ros.inference.checks import check_picture_input, shown
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.geometry import Warp, letterbox

Shape = tuple[int, ...]
Reader = Callable[[Mapping[str, Tensor]], tuple[Floats, Floats]]
"""Outputs of a batch -> (N, K, 2) px of the crops and (N, K) scores, both on the host."""

_GREY = 114.0


class PictureNetwork:
    """A network with one picture as its input.

    It runs once when it is made: the shapes of its outputs are what a decoder must fit, and the
    first picture of a camera does not wait for a warm-up.

    Attributes:
        runtime, entry: as given.
        shapes: of the outputs for one picture, by name, in the network's order.
    """

    def __init__(self, runtime: Runtime, entry: ModelEntry) -> None:
        """Take a loaded network.

        Raises:
            ModelError: its input is not the picture that the registry describes, or it does not
                run on one.
        """
        self.runtime = runtime
        self.entry = entry
        self._batcher = Batcher(runtime)
        check_picture_input(f'model {entry.name}', runtime.inputs, entry.input)
        self._input = runtime.inputs[0].name
        grey = np.full((entry.input.height, entry.input.width, 3), int(_GREY), np.uint8)
        outputs = self.run(Picture(grey), np.eye(2, 3)[np.newaxis], _GREY)
        self.shapes: Mapping[str, Shape] = {
            name: tuple(value.shape) for name, value in outputs.items()}

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return f'{self.entry.name}/{self.runtime.name}'

    def close(self) -> None:
        """Give back memory and devices."""
        self.runtime.close()

    def whole(self, picture: Picture, *, centred: bool = False) -> tuple[Tensor, Warp]:
        """Return a whole picture as the network's input, and its map.

        Grey 114 beside it (unless the entry's ``fill`` says otherwise) and its place are what the
        YOLO family, RTMDet and RTMO are trained with: top-left, or centred for the newer YOLOs.
        """
        warp = letterbox(
            picture.width, picture.height, self.entry.input.width, self.entry.input.height,
            centred=centred)
        ops = self.runtime.ops
        fill = self.entry.options.get('fill', _GREY)
        return ops.crops(picture.on(ops), warp[np.newaxis], self.entry.input, fill), warp

    def run(
        self, picture: Picture, warps: Warp, fill: float | None,
    ) -> dict[str, Tensor]:
        """Run on (N, 2, 3) crops of a picture; the outputs stay where the runtime works."""
        ops = self.runtime.ops
        return self.infer(ops.crops(picture.on(ops), warps, self.entry.input, fill))

    def read_crops(self, picture: Picture, warps: Warp, read: Reader) -> tuple[Floats, Floats]:
        """Run on (N, 2, 3) crops in as few batches as it can.

        Beyond the picture they are black, unless the entry's ``fill`` says otherwise.

        Args:
            picture: what to cut from.
            warps: px of the crops -> px of the picture, N > 0.
            read: turns the outputs of a batch into (n, K, 2) points and (n, K) scores.

        Returns:
            (N, K, 2) px of the crops, and (N, K).
        """
        fill = self.entry.options.get('fill', 0.0)
        parts = self._batcher.run(
            len(warps), lambda part: read(self.run(picture, warps[part], fill)))
        points, scores = zip(*parts, strict=True)
        return np.concatenate(points), np.concatenate(scores)

    def infer(self, crops: Tensor) -> dict[str, Tensor]:
        """Run on crops; the outputs stay where the runtime works."""
        return self.runtime.run_on_device({self._input: crops})

    def download(self, tensor: Tensor) -> NDArray[Any]:
        """Bring an output to the host."""
        return self.runtime.ops.download(tensor)

    def named(self, *roles: str) -> tuple[str, ...]:
        """Return the outputs that play certain roles, in the order of the roles.

        The entry says which is which by position; else the network's own names do; else their
        order, where there are as many as roles. Nothing where none of these helps.
        """
        names = tuple(self.shapes)
        by_role = {role: names[place] for place, role in self.entry.outputs.items()
                   if 0 <= place < len(names)}
        for known in (by_role, {name: name for name in names}):
            if all(role in known for role in roles):
                return tuple(known[role] for role in roles)
        return names if len(names) == len(roles) else ()

    def vector(self, role: str) -> str:
        """Return the output that is one vector, (1, D) and the like: the one with a role, if any.

        Raises:
            ModelError: there is none, or there are several.
        """
        vectors = [name for name, shape in self.shapes.items()
                   if shape and np.prod(shape) == max(shape)]
        found = self.named(role) or tuple(vectors)
        if len(found) != 1 or found[0] not in vectors:
            raise self.misfit('one vector (1, D)')
        return found[0]

    def misfit(self, expected: str) -> ModelError:
        """Return the error for outputs that are not what the decoder reads.

        Args:
            expected: what it reads, with shapes.
        """
        found = ', '.join(f'{name} {shown(shape)}' for name, shape in self.shapes.items())
        return ModelError(
            f'model {self.entry.name}: the decoder {self.entry.decoder} reads {expected}, but '
            f'the network puts out {found}: is its entry in the list of models right?')
