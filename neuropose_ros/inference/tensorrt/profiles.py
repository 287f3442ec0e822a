"""Which shapes an engine is built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.ops.device import PictureInput

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """The shapes of one optimisation profile: smallest, the one to tune for, and largest."""

    smallest: Mapping[str, Shape]
    tuned: Mapping[str, Shape]
    largest: Mapping[str, Shape]

    def holds(self, shapes: Mapping[str, Shape]) -> bool:
        """Return whether all inputs lie within."""
        return all(
            len(shape) == len(self.smallest[name]) and all(
                low <= size <= high for low, size, high in
                zip(self.smallest[name], shape, self.largest[name], strict=True))
            for name, shape in shapes.items())


@dataclass(frozen=True)
class InputShape:
    """An input of an ONNX file; None = dynamic, and numpy's name of the type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str = 'float32'


def make_profiles(
    title: str, inputs: tuple[InputShape, ...], picture: PictureInput, batch: int,
) -> tuple[Profile, ...]:
    """Return the profiles for 1 to `batch` rows: one tuned for a row alone, one for all.

    A first axis that is dynamic is the batch; dynamic axes after it are the picture's.

    Raises:
        ModelError: an axis is dynamic and nothing says its size.
    """
    if batch < 1:
        raise ModelError(f'{title}: a batch of {batch} is not possible; take 1 or more')
    ranges = [(1, 1)]
    if batch > 1 and any(entry.shape and entry.shape[0] is None for entry in inputs):
        ranges.append((2, batch))
    return tuple(
        Profile(_at(title, inputs, picture, low), _at(title, inputs, picture, high),
                _at(title, inputs, picture, high))
        for low, high in ranges)


def _at(
    title: str, inputs: tuple[InputShape, ...], picture: PictureInput, rows: int,
) -> dict[str, Shape]:
    last = ((3, picture.height, picture.width) if picture.axes == 'nchw'
            else (picture.height, picture.width, 3))
    sizes = {}
    for entry in inputs:
        dynamic = [axis for axis, size in enumerate(entry.shape) if size is None]
        if any(axis > 0 for axis in dynamic) and len(entry.shape) != 4:
            raise ModelError(
                f'{title}: the axes {dynamic} of input {entry.name} are dynamic and it is no '
                'picture of four axes; export it with fixed sizes')
        at = (rows, *last)
        sizes[entry.name] = tuple(
            at[axis] if size is None else size for axis, size in enumerate(entry.shape))
    return sizes
