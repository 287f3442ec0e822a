"""HDF5 files of strangers: opened with h5py, nothing in them is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import DataError


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open a file for reading.

    Raises:
        DataError: h5py is not installed, or it is no HDF5 file, or damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise DataError(f'{path}: HDF5 needs the package h5py: pip install h5py') from error
    try:
        with h5py.File(path, 'r') as file:
            yield file
    except OSError as error:
        raise DataError(f'{path}: cannot be read as HDF5 ({error})') from error


def text(value: Any) -> str:
    """Return a text that h5py gives as text or bytes."""
    return value.decode('utf-8', 'replace') if isinstance(value, bytes) else str(value)


def texts(values: Any) -> list[str]:
    """Return texts that h5py gives as texts or bytes."""
    return [text(value) for value in values]
