"""CSV: a table each for frames, joints, actions, measures, events and signal streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neuropose_ros.recording.arrow import arrow
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tidy import schema, tables
from neuropose_ros.recording.schema import Column

_FRICTIONLESS = {'int64': 'integer', 'float32': 'number', 'float64': 'number', 'bool': 'boolean'}


def write(material: Material, folder: Path) -> list[Path]:
    """Write the tables that are not empty, and ``datapackage.json``, which explains the columns.

    UTF-8, a header, commas, empty fields for what is not known. The description is a Data Package
    (Frictionless Data, version 1).
    """
    arrow()
    import pyarrow.csv

    written: list[tuple[Path, tuple[Column, ...]]] = []
    for name, columns, batches in tables(material):
        path = folder / f'{name}.csv'
        writer: Any = None
        for batch in batches:
            if writer is None:
                writer = pyarrow.csv.CSVWriter(str(path), schema(columns))
                written.append((path, columns))
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
    package = folder / 'datapackage.json'
    package.write_text(json.dumps(_package(material, written), indent=1) + '\n', 'utf-8')
    return [*(path for path, _ in written), package]


def _package(material: Material, written: list[tuple[Path, tuple[Column, ...]]]) -> Any:
    return {
        'profile': 'tabular-data-package', 'name': material.stem.lower(),
        'description': f'{material.topic} of the session {material.name}, by {material.software}',
        'subjects': [subject.pseudonym for subject in material.subjects], 'task': material.task,
        'layout': {'id': material.layout.id, 'names': material.layout.names,
                   'edges': material.layout.edges},
        'resources': [{
            'profile': 'tabular-data-resource', 'name': path.stem.lower(), 'path': path.name,
            'encoding': 'utf-8', 'schema': {'missingValues': [''], 'fields': [
                _field(column) for column in columns]},
        } for path, columns in written],
    }


def _field(column: Column) -> dict[str, str]:
    field = {'name': column.name, 'type': _FRICTIONLESS.get(column.kind, 'string'),
             'description': column.text}
    return {**field, 'unit': column.unit} if column.unit else field
