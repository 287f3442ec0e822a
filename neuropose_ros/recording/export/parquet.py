"""Parquet: the tables of the CSV export with their types, texts and units in the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropose_ros.recording.arrow import parquet
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tidy import schema, tables


def write(material: Material, folder: Path) -> list[Path]:
    """Write the tables that are not empty."""
    written: list[Path] = []
    for name, columns, batches in tables(material):
        path = folder / f'{name}.parquet'
        writer: Any = None
        for batch in batches:
            if writer is None:
                writer = parquet().ParquetWriter(str(path), schema(columns), compression='zstd')
                written.append(path)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
    return written
