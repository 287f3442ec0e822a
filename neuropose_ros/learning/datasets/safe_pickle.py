"""Unpickling that builds numpy arrays and plain containers, and can run nothing else.

A pickle names the functions that its reader calls: from a stranger it is a program. Data sets are
distributed as pickles nevertheless, so only what arrays are made of is allowed here.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from neuropose_ros.core.errors import DataError


def _bytes_of(text: str, encoding: str) -> bytes:
    """Stand in for `_codecs.encode`, by which protocol 2 writes bytes."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'an encoding {encoding!r} of bytes')
    return text.encode('latin1')


# Numpy's own functions that its pickles name, wherever they now lie.
_NUMPY: dict[tuple[str, str], Any] = {
    ('multiarray', '_reconstruct'): np.zeros(1).__reduce__()[0],
    ('multiarray', 'scalar'): np.float64(0).__reduce__()[0],
    ('numeric', '_frombuffer'): np.zeros(1).__reduce_ex__(5)[0],
}
_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): np.ndarray, ('numpy', 'dtype'): np.dtype,
    ('_codecs', 'encode'): _bytes_of,
    **{(f'numpy.{core}.{module}', name): function
       for core in ('core', '_core') for (module, name), function in _NUMPY.items()},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f'{module}.{name}') from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f'the persistent object {pid!r}')


def load_pickle(source: Path | IO[bytes], name: str = '') -> Any:
    """Return what a pickle of numpy arrays, lists, dicts, texts and numbers holds.

    Args:
        source: path or open file.
        name: for messages, where `source` is a file.

    Raises:
        DataError: it is damaged, or asks for anything else; nothing of that has been run.
    """
    name = name or str(source)
    try:
        if isinstance(source, Path):
            with source.open('rb') as file:
                return _Unpickler(file).load()
        return _Unpickler(source).load()
    except pickle.UnpicklingError as error:
        raise DataError(f'{name}: this pickle holds more than arrays, lists, dicts, texts and '
                        f'numbers, or is damaged, and is not loaded: {error}') from error
    except (OSError, EOFError, ValueError, TypeError, IndexError, KeyError, AttributeError,
            MemoryError, OverflowError, UnicodeDecodeError) as error:
        raise DataError(f'{name}: cannot be read as a pickle ({error})') from error


def load_object_array(raw: bytes, name: str) -> Any:
    """Return the array of a .npy file that holds objects, by the rules of `load_pickle`.

    Raises:
        DataError: as `load_pickle`, or it is no .npy file.
    """
    file = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(file)
        read = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                else np.lib.format.read_array_header_2_0)
        _, _, dtype = read(file)
    except (ValueError, EOFError) as error:
        raise DataError(f'{name}: not an .npy array ({error})') from error
    if not dtype.hasobject:
        file.seek(0)
        return np.load(file, allow_pickle=False)
    return load_pickle(file, name)
