"""Whether arrays and pictures fit a network: one sentence each where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.runtime import TensorSpec

Shape = tuple[int | None, ...]


def checked(
    title: str, spec: TensorSpec, value: NDArray[Any] | None, role: str,
) -> NDArray[Any]:
    """Return an array that is what a network takes or gives.

    Args:
        title: names the network for people.
        spec: what it should be.
        value: what it is; None = missing.
        role: ``input`` or ``output``.

    Raises:
        ModelError: missing, or of the wrong shape, type or memory order.
    """
    if not isinstance(value, np.ndarray):
        raise ModelError(f'{title} needs the {role} {spec.name} as an array')
    is_right = value.dtype == spec.dtype and value.flags.c_contiguous
    if not is_right or not shape_fits(spec.shape, value.shape):
        raise ModelError(
            f'{title} needs the {role} {spec.name} as contiguous {spec.dtype} '
            f'{shown(spec.shape)}, not {value.dtype} {shown(value.shape)}')
    return value


def check_picture_input(
    title: str, inputs: Sequence[TensorSpec], target: PictureInput,
) -> None:
    """Refuse a network that does not take the picture that it is said to take.

    Raises:
        ModelError: more inputs than one, a fixed batch of several, or another order of axes,
            number of channels, size or type.
    """
    if len(inputs) != 1:
        names = ', '.join(spec.name for spec in inputs)
        raise ModelError(
            f'{title} has {len(inputs)} inputs ({names}): one that takes a picture and nothing '
            'else is needed')
    spec = inputs[0]
    if len(spec.shape) != 4:
        raise ModelError(
            f'{title}: its input {spec.name} has no fixed number of dimensions or not 4: export '
            'it for pictures of (batch, channels, height, width) or (batch, height, width, '
            'channels)')
    sides = (target.height, target.width)
    forms: dict[str, Shape] = {'nchw': (None, 3, *sides), 'nhwc': (None, *sides, 3)}
    said, channels = forms[target.axes], spec.shape[1 if target.axes == 'nchw' else 3]
    other = 'nhwc' if target.axes == 'nchw' else 'nchw'
    takes = f'{title}: its input {spec.name} takes {shown(spec.shape)}'
    if (spec.shape[0] or 1) > 1:
        raise ModelError(
            f'{takes}: {spec.shape[0]} pictures at once, no fewer: export it with a batch of any '
            'size, or of 1')
    if _agrees(spec.shape, said):
        if spec.dtype != target.dtype:
            raise ModelError(
                f'{title}: its input {spec.name} takes {spec.dtype} values, not the '
                f'{target.dtype} that it is said to take')
    elif _agrees(spec.shape, forms[other]):
        raise ModelError(f'{takes}, which is {other}, not {target.axes} as it is said to be')
    elif channels not in (3, None):
        raise ModelError(
            f'{takes}, which is {channels} channels in {target.axes}: pictures have 3')
    else:
        raise ModelError(
            f'{takes}, not pictures of {target.width}x{target.height} px in {target.axes} as it '
            'is said to')


def shape_fits(expected: Shape, got: Sequence[int]) -> bool:
    """Whether a shape is one of those that a network declares; None = any size."""
    return len(expected) == len(got) and all(
        wanted in (None, size) for wanted, size in zip(expected, got, strict=True))


def fixed_batch(inputs: Iterable[TensorSpec]) -> int:
    """Return the fixed first axis of the inputs; 0 = any."""
    return min((spec.shape[0] or 0 for spec in inputs if spec.shape), default=0)


def shown(shape: Iterable[int | None]) -> str:
    """Write a shape for people."""
    return '(' + ', '.join('any' if size is None else str(size) for size in shape) + ')'


def _agrees(left: Shape, right: Shape) -> bool:
    return all(a is None or b is None or a == b for a, b in zip(left, right, strict=True))
