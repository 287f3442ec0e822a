"""Reading MATLAB's files up to version 7, which scipy does."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import DataError


def read_matlab(path: Path, variable: str, *, structs: bool = False) -> Any:
    """Return one variable of a .mat file.

    Args:
        structs: give structs as objects with their fields as attributes, without axes of
            length 1.

    Raises:
        DataError: scipy is missing, or the file is damaged or lacks the variable.
    """
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise DataError(f'{path}: reading .mat files needs the package scipy: install '
                        'it') from error
    try:
        content = loadmat(path, struct_as_record=not structs, squeeze_me=structs)
    except (OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError,
            MatReadError, zlib.error) as error:
        raise DataError(f'{path}: cannot be read as a MATLAB file ({error})') from error
    if variable not in content:
        raise DataError(f'{path}: it has no variable {variable}')
    return content[variable]
