"""The one place that imports pyarrow, which not every machine that runs the graph has."""

from __future__ import annotations

from functools import cache
from typing import Any

from neuropose_ros.core.errors import SessionError


@cache
def arrow() -> Any:
    """Return the module pyarrow with its ipc.

    Raises:
        SessionError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise SessionError(
            "sessions need the package pyarrow: pip install 'pyarrow>=14'") from error
    return pyarrow


@cache
def parquet() -> Any:
    """Return the module pyarrow.parquet.

    Raises:
        SessionError: pyarrow is not installed.
    """
    arrow()
    import pyarrow.parquet

    return pyarrow.parquet
