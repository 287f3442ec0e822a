"""The page on recording says what the tables hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropose_ros.recording.schema import TABLES, markdown


@pytest.mark.parametrize('table', TABLES)
def test_every_column_is_on_the_page(table: str, source_root: Path) -> None:
    page = (source_root / 'docs' / 'recording.md').read_text(encoding='utf-8')
    assert markdown(table) in page
