"""Unpickling that builds numpy arrays and plain containers, and can run nothing else.

A pickle names the functions that its reader calls: from a stranger it is a program. Data sets are
distributed as pickles nevertheless, so only what arrays are made of is allowed here, and not even
numpy's own functions for that: given an array's type, kind of number and bytes by a stranger, they
make pointers of the bytes. What stands for them here checks first.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from neuropose_ros.core.errors import DataError

_PLAIN = re.compile(r'[biufcSU?]\d*|O8?')


class _Kind:
    """Stands in for `numpy.dtype`: numbers, texts and bytes of any length, and objects."""

    def __init__(self, code: str, _align: bool = False, _copy: bool = False) -> None:
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise pickle.UnpicklingError(f'an array of {code!r}')
        self.dtype: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        """Take the byte order; all else that numpy says there is known from the code."""
        order, parts = state[1], state[2:5]
        if order not in ('<', '>', '|', '=') or any(part is not None for part in parts):
            raise pickle.UnpicklingError('an array of structures')
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """Stands in for `numpy.ndarray`, which is empty until its state is set."""

    def __new__(cls, *_: Any) -> _Array:
        raise pickle.UnpicklingError('an array made of a buffer')

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, columns_first, data = state
        if not isinstance(kind, _Kind):
            raise pickle.UnpicklingError('an array of an unknown kind')
        objects = kind.dtype.hasobject
        size = _count(shape) * (1 if objects else kind.dtype.itemsize)
        if not isinstance(data, list if objects else bytes) or len(data) != size:
            raise pickle.UnpicklingError(f'{len(data)} bytes or objects for an array of {shape}')
        checked: Any = (1, shape, kind.dtype, bool(columns_first), data)
        super().__setstate__(checked)


class _Maker:
    """A function that a pickle may call and cannot change."""

    __slots__ = ('_make',)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError('a change of a function')


def _count(shape: Any) -> int:
    if not isinstance(shape, tuple) or not all(
            type(size) is int and size >= 0 for size in shape):
        raise pickle.UnpicklingError(f'an array of shape {shape!r}')
    return math.prod(shape)


def _empty(kind: Any, _shape: Any, _code: Any) -> Any:
    if kind is not _Array:
        raise pickle.UnpicklingError(f'an array that is {kind!r}')
    return np.ndarray.__new__(_Array, (0,))


def _of_bytes(data: Any, kind: Any, shape: Any, order: str, axes: Any = None) -> Any:
    """Stand in for `_frombuffer`, by which protocol 5 writes arrays."""
    if not isinstance(kind, _Kind) or kind.dtype.hasobject:
        raise pickle.UnpicklingError('pointers as bytes')
    flat = np.frombuffer(bytes(data), kind.dtype)
    if _count(shape) != len(flat):
        raise pickle.UnpicklingError(f'{len(flat)} values for an array of {shape}')
    if order == 'K' and axes is not None:
        return flat.reshape(shape).transpose(axes)
    return flat.reshape(shape, order='F' if order == 'F' else 'C')


def _scalar(kind: Any, data: bytes) -> Any:
    return _of_bytes(data, kind, (), 'C')[()]


def _bytes_of(text: str, encoding: str) -> bytes:
    """Stand in for `_codecs.encode`, by which protocol 2 writes bytes."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'an encoding {encoding!r} of bytes')
    return text.encode('latin1')


# What numpy's pickles name, wherever it now lies.
_NUMPY: dict[tuple[str, str], Any] = {
    ('multiarray', '_reconstruct'): _Maker(_empty),
    ('multiarray', 'scalar'): _Maker(_scalar),
    ('numeric', '_frombuffer'): _Maker(_of_bytes),
}
_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): _Array, ('numpy', 'dtype'): _Kind,
    ('_codecs', 'encode'): _Maker(_bytes_of),
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
            MemoryError, OverflowError, RecursionError) as error:
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
