"""HMDB51 (Kuehne et al. 2011): a folder of videos for each action, and three official splits.

A split is a list for each action, ``<action>_test_split<N>.txt``: lines of a file name and 1
(training), 2 (test) or 0 (unused in this split). J-HMDB has the same form without 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import locate, read_lines
from neuropose_ros.learning.datasets.videos import TEST, TRAIN, Video, VideoListing, video_files

UNUSED_MARK, TRAIN_MARK, TEST_MARK = 0, 1, 2
SOURCE = 'HMDB51 (Kuehne et al. 2011): research data, CC BY 4.0'

# HMDB51's naming: title_action_(visible part)_(camera motion)_np(people)_(view)_(quality)_(n).
_TAIL = r'_(?:f|u|h|l)_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+$'


def source_video(clip: str, action: str) -> str:
    """Return the title of the video that a clip of HMDB51 or J-HMDB was cut from.

    Args:
        clip: name without ending, as ``Faith_Rewarded_catch_f_cm_np1_fr_med_10``.
        action: its class, as ``catch``; a file name that says another keeps it.
    """
    title = re.sub(_TAIL, '', clip)
    return title.removesuffix(f'_{action}') if title != clip else clip


def read_parts(folder: Path, split: int, actions: Iterable[str]) -> dict[str, int]:
    """Return class/clip -> part (`TRAIN`, `TEST`, `UNUSED`) by the lists of a split.

    Raises:
        DataError: a list is missing, or a line is not a file name and 0, 1 or 2.
    """
    parts: dict[str, int] = {}
    for action in actions:
        path = folder / f'{action}_test_split{split}.txt'
        if not path.is_file():
            raise DataError(f'{folder}: there is no {path.name}, the list of split {split}')
        for number, line in enumerate(read_lines(path), 1):
            file, _, part = line.rpartition(' ')
            if part not in ('0', '1', '2') or not file.strip():
                raise DataError(f'{path}, line {number}: {line!r} is not a file name and 0 '
                                '(unused), 1 (training) or 2 (test)')
            name = f'{action}/{PurePosixPath(file.strip()).stem}'
            if parts.setdefault(name, int(part)) != int(part):
                raise DataError(f'{path}, line {number}: {name} is named before, in '
                                'another part')
    return parts


def list_hmdb51(root: Path, split: int = 1, findings: Findings | None = None) -> VideoListing:
    """List the videos below `root`: ``<action>/*.avi``, and the lists in a folder beside them.

    Args:
        root: folder with the actions' folders (or ``videos``, ``hmdb51_org`` holding them) and
            ``testTrainMulti_7030_splits`` or ``splits``.
        split: official split, 1 to 3.
        findings: takes lines without a file and files without a line.

    Raises:
        DataError: a folder or list is missing.
    """
    findings = Findings() if findings is None else findings
    lists = locate(root, 'testTrainMulti_7030_splits', 'test_train_splits', 'splits')
    inner = [root / name for name in ('hmdb51_org', 'videos') if (root / name).is_dir()]
    return list_by_class('hmdb51', inner[0] if inner else root, lists, split, findings, SOURCE)


def list_by_class(
    name: str, folder: Path, lists: Path, split: int, findings: Findings, source: str,
) -> VideoListing:
    """List ``folder/<action>/*`` as divided by ``lists/<action>_test_split<split>.txt``.

    Raises:
        DataError: there is no action's folder, or a list is missing.
    """
    actions = sorted(path.name for path in folder.iterdir() if path.is_dir() and path != lists)
    if not actions:
        raise DataError(f'{folder}: there is no folder of an action in it')
    labels = LabelSet(name.removesuffix('_video'), tuple(actions))
    parts = read_parts(lists, split, actions)
    videos = []
    for action in actions:
        for path in video_files(folder / action):
            mark = parts.pop(f'{action}/{path.stem}', None)
            if mark is None:
                findings.skip(f'{action}/{path.name}', f'the list of split {split} does not '
                                                       'name it')
            elif mark != UNUSED_MARK:
                videos.append(Video(
                    f'{action}/{path.stem}', path, labels.index(action),
                    source_video(path.stem, action), TRAIN if mark == TRAIN_MARK else TEST))
    for missing in sorted(file for file, mark in parts.items() if mark != UNUSED_MARK):
        findings.skip(missing, f'the list of split {split} names it, but there is no such file')
    return VideoListing(name, tuple(videos), labels, f'split {split}', source)
