"""A store to delete from."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sessions of `stores`, not to be touched."""
    pytest.importorskip('pyarrow', reason='needs pyarrow')
    pytest.importorskip('mcap', reason='needs mcap')
    from .stores import make_sessions

    root = tmp_path_factory.mktemp('sessions')
    make_sessions(root)
    return root
