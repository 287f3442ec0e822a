"""Folders in the form of Kinetics (Kay et al. 2017): parts, in them a folder for each action.

``train/<action>/<video>.mp4``, ``val/...`` and perhaps ``test/...``. Where there are the official
tables ``train.csv``, ``val.csv`` and so on (columns label, youtube_id, time_start, time_end,
split), these say what is in which part, and a file is ``<youtube_id>_<start>_<end>.mp4`` with
both times in six digits of seconds, anywhere in the folder of its part.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.videos import (
    SUFFIXES,
    TEST,
    TRAIN,
    VALIDATION,
    Video,
    VideoListing,
    video_files,
)

PARTS = {TRAIN: ('train', 'training'), VALIDATION: ('val', 'validate', 'validation'),
         TEST: ('test', 'testing')}
_TIMES = re.compile(r'_\d{6}_\d{6}$')
_COLUMNS = ('youtube_id', 'time_start', 'time_end')


@dataclass(frozen=True)
class _Row:
    stem: str
    label: str
    youtube_id: str
    part: str


def list_kinetics(
    root: Path, findings: Findings | None = None, name: str = 'kinetics',
) -> VideoListing:
    """List the videos of all parts; a group is the video on the net that clips were cut from.

    Args:
        root: folder with the parts, and the tables in it or in ``annotations``.
        findings: takes rows without a file and files without a row.
        name: of the listing and its label set.

    Raises:
        DataError: there is no part, no video, or a table is not of its form.
    """
    findings = Findings() if findings is None else findings
    folders = {part: root / alias for part, aliases in PARTS.items() for alias in aliases
               if (root / alias).is_dir()}
    if not folders:
        raise DataError(f'{root}: there is neither a folder train nor val or test in it')
    tables = {part: table for part in folders for table in _tables(root, part)}
    labels = LabelSet(name, tuple(sorted(_labels(folders, tables))))
    videos: list[Video] = []
    for part, folder in folders.items():
        if part in tables:
            videos += _by_table(folder, tables[part], part, labels, findings)
        else:
            videos += [
                Video(f'{part}/{action.name}/{path.stem}', path, labels.index(action.name),
                      _TIMES.sub('', path.stem), part)
                for action in sorted(folder.iterdir()) if action.is_dir()
                for path in video_files(action)]
    return VideoListing(name, tuple(videos), labels, 'the parts of its authors')


def _tables(root: Path, part: str) -> Iterator[Path]:
    for folder in (root, root / 'annotations'):
        yield from (path for alias in PARTS[part] if (path := folder / f'{alias}.csv').is_file())


def _labels(folders: dict[str, Path], tables: dict[str, Path]) -> set[str]:
    labels = {row.label for part, table in tables.items() for row in _rows(table, part)}
    for part, folder in folders.items():
        if part not in tables:
            labels |= {path.name for path in folder.iterdir() if path.is_dir()}
    labels.discard('')
    if not labels:
        raise DataError(f'{next(iter(folders.values()))}: there is no folder of an action in it, '
                        'nor a table that names actions')
    return labels


def _rows(path: Path, part: str) -> list[_Row]:
    try:
        with path.open(encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                raise DataError(f'{path}: it lacks one of the columns {", ".join(_COLUMNS)}')
            rows = []
            for row in reader:
                start, end = (round(float(row[key])) for key in ('time_start', 'time_end'))
                video = row['youtube_id']
                rows.append(_Row(f'{video}_{start:06d}_{end:06d}', row.get('label') or '', video,
                                 part))
            return rows
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise DataError(f'{path}: a row is not of the form label,youtube_id,time_start,time_end '
                        f'({error})') from error


def _by_table(
    folder: Path, table: Path, part: str, labels: LabelSet, findings: Findings,
) -> Iterator[Video]:
    files = {path.stem: path for path in sorted(folder.rglob('*'))
             if path.suffix.lower() in SUFFIXES}
    for row in _rows(table, part):
        path = files.pop(row.stem, None)
        if path is None:
            findings.skip(row.stem, f'{table.name} names it, but there is no such file')
        else:
            label = labels.index(row.label) if row.label else -1
            yield Video(f'{part}/{row.label or "unlabelled"}/{row.stem}', path, label,
                        row.youtube_id, part)
    for stem in files:
        findings.skip(stem, f'{table.name} does not name it')
