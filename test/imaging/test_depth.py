"""Depth images as REP-118 has them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import ImageError
from neuropose_ros.imaging import depth


def message(values: np.ndarray, pad: int = 0, **changes: Any) -> SimpleNamespace:
    height, width = values.shape
    rows = np.ascontiguousarray(values).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, pad)), constant_values=7)
    fields = {'width': width, 'height': height, 'step': rows.shape[1], 'data': rows.tobytes(),
              'encoding': depth.encoding(values), 'is_bigendian': 0}
    return SimpleNamespace(**{**fields, **changes})


METRES = np.linspace(0.5, 4, 12, dtype=np.float32).reshape(3, 4)
MILLIMETRES = (METRES * 1000).astype(np.uint16)


@pytest.mark.parametrize('values', [METRES, MILLIMETRES], ids=['32FC1', '16UC1'])
@pytest.mark.parametrize('pad', [0, 8])
def test_values_survive(values: np.ndarray, pad: int) -> None:
    found = depth.decode(message(values, pad))
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def test_the_other_byte_order_is_read() -> None:
    swapped = message(MILLIMETRES)
    swapped.data = MILLIMETRES.astype('>u2').tobytes()
    swapped.is_bigendian = 1
    np.testing.assert_array_equal(depth.decode(swapped), MILLIMETRES)


def test_packed_bytes_are_those_of_the_message() -> None:
    assert depth.pack(METRES).tobytes() == METRES.tobytes()


@pytest.mark.parametrize(('changes', 'says'), [
    ({'encoding': 'bgr8'}, "'bgr8' is not that of a depth image"),
    ({'width': 0}, 'no pixels'),
    ({'step': 3}, 'step 3'),
    ({'height': 400}, 'bytes'),
])
def test_what_is_no_depth_image_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ImageError, match=says):
        depth.decode(message(METRES, **changes))
