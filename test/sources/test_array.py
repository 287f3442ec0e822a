"""Frames in a NumPy file."""

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.array import ArraySource
from neuropose_ros.sources.open import open_source


def test_frames_come_in_order_with_exact_times_and_again_after_a_rewind(tmp_path: Path) -> None:
    path = tmp_path / 'frames.npy'
    frames = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    np.save(path, frames)
    source = open_source(str(path), rate_hz=10.0)
    for _ in range(2):
        pictures = [source.read() for _ in range(4)]
        assert pictures[3] is None
        assert all(np.array_equal(p.image, f) for p, f in zip(pictures, frames, strict=False) if p)
        assert [p.time_ns for p in pictures if p] == [0, 100_000_000, 200_000_000]
        source.rewind()


@pytest.mark.parametrize('content', [
    np.zeros((2, 4, 5), np.uint8), np.zeros((2, 4, 5, 3)), np.zeros((0, 4, 5, 3), np.uint8),
])
def test_an_array_of_something_else_is_refused(tmp_path: Path, content: np.ndarray) -> None:
    path = tmp_path / 'other.npy'
    np.save(path, content)
    with pytest.raises(SourceError, match='frames are uint8'):
        ArraySource(path)


def test_a_file_that_is_not_numpy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'text.npy'
    path.write_text('not an array')
    with pytest.raises(SourceError, match='not a readable'):
        ArraySource(path)
