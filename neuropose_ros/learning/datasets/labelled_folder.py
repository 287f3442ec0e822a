"""A lab's own videos: a folder for each label, or a table ``labels.csv`` beside the videos.

* Folders: ``<label>/<video>``, or ``<label>/<group>/<video>`` where a group is a patient or a
  session, whose videos are never on both sides of a split. Folders train and val (or test) above
  the labels are the form of Kinetics and are read as that.
* Table: the columns file (below the folder) and label; optional are group, part (train,
  validation, test), start_s and end_s, for several stretches of one video.
"""

from __future__ import annotations

import csv
import math
import os
from dataclasses import replace
from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.kinetics import PARTS, list_kinetics
from neuropose_ros.learning.datasets.videos import (
    SUFFIXES,
    TEST,
    VALIDATION,
    Video,
    VideoListing,
    video_files,
)

TABLE = 'labels.csv'


def list_folder(root: Path, findings: Findings | None = None) -> VideoListing:
    """List the labelled videos of a folder; see the head of this file for its forms.

    Args:
        root: the folder; its name becomes the name of the label set.
        findings: takes rows without a file, files without a row or label, and rows that are
            not of their form.

    Raises:
        DataError: nothing in it has a label, the table lacks a column, or its parts tear a
            group apart.
    """
    findings = Findings() if findings is None else findings
    name = root.resolve().name or 'folder'
    if (root / TABLE).is_file():
        return _of_table(root, name, findings)
    if any((root / alias).is_dir() for aliases in PARTS.values() for alias in aliases):
        return list_kinetics(root, findings, name)
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    for path in video_files(root):
        findings.skip(path.name, 'it lies in no folder of a label')
    found: list[tuple[str, str, Path]] = []
    for folder in folders:
        found += [(folder.name, f'{folder.name}/{path.stem}', path)
                  for path in video_files(folder)]
        found += [(folder.name, group.name, path)
                  for group in sorted(folder.iterdir()) if group.is_dir()
                  for path in video_files(group)]
    if not found:
        raise DataError(f'{root}: there is no video in a folder of a label, nor a {TABLE} with '
                        'the columns file and label')
    labels = LabelSet(name, tuple(sorted({label for label, _, _ in found})))
    return VideoListing(name, tuple(
        Video(path.relative_to(root).with_suffix('').as_posix(), path, labels.index(label), group)
        for label, group, path in found), labels, '')


def _of_table(root: Path, name: str, findings: Findings) -> VideoListing:
    path = root / TABLE
    try:
        with path.open(encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{path}: cannot be read as a table ({error})') from error
    if not {'file', 'label'} <= columns:
        raise DataError(f'{path}: it lacks one of the columns file and label')
    labels = LabelSet(name, tuple(sorted({(row['label'] or '').strip() for row in rows} - {''})))
    videos: list[Video] = []
    for number, row in enumerate(rows, 2):
        try:
            video = _video(root, row, labels)
        except (ValueError, DataError) as error:
            findings.skip(f'{TABLE} line {number}', error)
            continue
        twin = sum(other.path == video.path for other in videos)
        videos.append(replace(video, name=f'{video.name}#{twin}') if twin else video)
    named = {video.path for video in videos}
    for found in sorted(root.rglob('*')):
        if found.suffix.lower() in SUFFIXES and found not in named:
            findings.skip(found.relative_to(root).as_posix(), f'{TABLE} gives it no label')
    _refuse_torn_groups(path, videos)
    return VideoListing(name, tuple(videos), labels,
                        f'the parts of {TABLE}' if any(v.part for v in videos) else '')


def _refuse_torn_groups(table: Path, videos: list[Video]) -> None:
    parts = {video.part for video in videos}
    test = TEST if TEST in parts else VALIDATION
    tested, others = ({video.group for video in videos if (video.part == test) is side}
                      for side in (True, False))
    if torn := sorted(tested & others):
        raise DataError(f'{table}: {len(torn)} groups are in the {test} part and in another, as '
                        f'{torn[0]}: who is learned from cannot be tested on')


def _video(root: Path, row: dict[str, str | None], labels: LabelSet) -> Video:
    """Return the video of a row.

    Raises:
        DataError: the row has no file, label or known part, or its file is not there.
        ValueError: a time is not a number.
    """
    fields = {key: (value or '').strip() for key, value in row.items() if key is not None}
    file = os.path.normpath(fields['file']) if fields['file'] else ''
    label = fields['label']
    path = root / file
    if not file or not label:
        raise DataError('it gives no file or no label')
    if not path.is_file():
        raise DataError(f'there is no file {file}')
    part = next((part for part, aliases in PARTS.items() if fields.get('part') in aliases), '')
    if fields.get('part') and not part:
        raise DataError(f'the part {fields["part"]!r} is not train, validation or test')
    start_s = float(fields.get('start_s') or 0)
    end_s = float(fields['end_s']) if fields.get('end_s') else None
    if not 0 <= start_s < (math.inf if end_s is None else end_s):
        raise DataError(f'the stretch from {start_s} to {end_s} s is none')
    name = Path(file).with_suffix('').as_posix()
    return Video(name, path, labels.index(label), fields.get('group') or name, part, start_s,
                 end_s)
