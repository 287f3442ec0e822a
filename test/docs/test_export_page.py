"""docs/export.md names every format, and every column of the tables as the code has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropose_ros.recording.export.formats import FORMATS
from neuropose_ros.recording.export.tidy import TABLES
from neuropose_ros.recording.importing.formats import FORMATS as IMPORTED


@pytest.mark.parametrize('table', TABLES)
def test_every_column_is_there(table: str, source_root: Path) -> None:
    page = (source_root / 'docs' / 'export.md').read_text('utf-8')
    rows = '\n'.join(f'| `{column.name}` | {column.kind} | {column.unit} | {column.text} |'
                     for column in TABLES[table])
    assert rows in page


def test_every_format_is_there(source_root: Path) -> None:
    page = (source_root / 'docs' / 'export.md').read_text('utf-8')
    exported, _, imported = page.partition('## Import')
    assert [name for name in FORMATS if f'\n| `{name}` |' not in exported] == []
    assert [name for name in IMPORTED if f'\n| `{name}` |' not in imported] == []
