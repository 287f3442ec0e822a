"""What readers share: finding files, reading arrays and lists, and making clips of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import UNREADABLE, Clip
from neuropose_ros.learning.datasets.findings import Findings

Arrays = dict[str, NDArray[Any]]


def locate(root: Path, *candidates: str) -> Path:
    """Return the first of `candidates` (paths below `root`) that exists.

    Raises:
        DataError: none does.
    """
    for candidate in candidates:
        path = root / candidate
        if path.exists():
            return path
    wanted = ' or '.join(candidates)
    raise DataError(f'{root}: there is no {wanted}; give the folder that the data set lies in')


def read_arrays(path: Path, names: Iterable[str]) -> Arrays:
    """Read the named arrays of an .npz file; pickled objects are refused.

    Raises:
        DataError: the file or one of the arrays is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except KeyError as error:
        raise DataError(f'{path}: it lacks the array {error}') from error
    except UNREADABLE as error:
        raise DataError(f'{path}: cannot be read as arrays ({error})') from error


def read_sequences(
    path: Path, key: str, shape: tuple[int, ...], columns: tuple[str, ...] = (),
) -> tuple[dict[str, Floats], Arrays]:
    """Read sequences that lie one after another, cut by `offset`, with their `name`.

    Args:
        key: of the array that is cut, numbers of (frames, `shape`).
        columns: integers, one for each sequence.

    Returns:
        name -> (T, `shape`) float32, and the columns.

    Raises:
        DataError: an array is missing or not of this form, or a name occurs twice.
    """
    arrays = read_arrays(path, (key, 'offset', 'name', *columns))
    values, names = arrays[key], arrays['name']
    if values.dtype.kind not in 'fiu' or not values.ndim or values.shape[1:] != shape:
        raise DataError(f'{path}: {key} is {values.dtype} of {values.shape}, not numbers of '
                        f'(frames, {", ".join(map(str, shape))})')
    if names.ndim != 1 or any(arrays[column].shape != names.shape for column in columns) or any(
            arrays[column].dtype.kind not in 'iu' for column in columns):
        raise DataError(f'{path}: {", ".join(("name", *columns))} do not hold one text and '
                        'integers for each sequence')
    texts = [str(name) for name in names]
    if len(set(texts)) != len(texts):
        raise DataError(f'{path}: a name occurs twice')
    cuts = slices(path, arrays['offset'], len(values), len(texts))
    return ({name: np.asarray(values[cut], np.float32)
             for name, cut in zip(texts, cuts, strict=True)},
            {column: arrays[column] for column in columns})


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank, stripped.

    Raises:
        DataError: it cannot be read as text.
    """
    try:
        lines = path.read_text('utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{path}: cannot be read as text ({error})') from error
    return [line.strip() for line in lines if line.strip()]


def slices(path: Path, offset: NDArray[Any], frames: int, count: int) -> list[slice]:
    """Return where each of `count` sequences lies in an array of `frames` frames.

    Raises:
        DataError: the offsets do not divide the frames into that many sequences.
    """
    if offset.dtype.kind not in 'iu' or offset.shape != (count + 1,) or (
            offset[0] != 0 or offset[-1] != frames or (np.diff(offset) < 0).any()):
        raise DataError(f'{path}: the offsets do not divide its {frames} frames into the '
                        f'{count} sequences that it names')
    return [slice(int(a), int(b)) for a, b in pairwise(offset)]


def times_at(frames: int, rate_hz: float) -> NDArray[np.float64]:
    """Return (frames,) s at a constant rate, from 0."""
    return np.arange(frames) / rate_hz


def without_zeros(keypoints: Floats) -> Floats:
    """Return (..., D) keypoints with NaN where all coordinates are 0, which says not tracked."""
    return np.where((keypoints == 0).all(-1, keepdims=True), np.float32(np.nan), keypoints)


def make_clip(
    findings: Findings, name: str, keypoints: Floats, times_s: NDArray[np.float64],
    label: int = -1, group: str = '', scores: Floats | None = None,
) -> Clip | None:
    """Return a clip, or None after listing it in `findings`: it is empty or cannot be right."""
    try:
        clip = Clip(name, np.asarray(keypoints, np.float32), times_s, label, group, scores)
    except DataError as error:
        findings.skip(name, error)
        return None
    if not clip.measured.any():
        findings.skip(name, 'no joint is known in any frame')
        return None
    return clip


def kept(clips: Iterable[Clip | None]) -> Iterator[Clip]:
    """Return the clips that were not left out."""
    return (clip for clip in clips if clip is not None)
