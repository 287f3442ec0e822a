"""UCF101 (Soomro et al. 2012): 13,320 videos of 101 actions, and three official splits.

The lists lie in ``ucfTrainTestlist``: ``classInd.txt`` (number and action), ``trainlist01.txt``
(``Action/v_Action_g08_c01.avi 1``) and ``testlist01.txt`` (without the number). The 25 groups of
an action (``g08``) are videos of one origin: its clips are never split.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import locate, read_lines
from neuropose_ros.learning.datasets.videos import TEST, TRAIN, Video, VideoListing, video_files

SOURCE = 'UCF101 (Soomro, Zamir and Shah 2012): research'


def origin(video: str) -> str:
    """Return the group of a video, ``v_Action_g08`` of ``v_Action_g08_c01``."""
    return re.sub(r'_c\d+$', '', video)


def list_ucf101(root: Path, split: int = 1, findings: Findings | None = None) -> VideoListing:
    """List the videos of a split.

    Args:
        root: folder with the actions' folders (or ``UCF-101`` or ``videos`` holding them) and
            ``ucfTrainTestlist`` (or the lists themselves).
        split: official split, 1 to 3.
        findings: takes lines without a file and files without a line.

    Raises:
        DataError: a folder or list is missing or not of its form.
    """
    findings = Findings() if findings is None else findings
    class_list = locate(root, 'ucfTrainTestlist/classInd.txt', 'classInd.txt',
                        'splits/classInd.txt')
    labels = _labels(class_list)
    lists = {
        part: locate(class_list.parent, f'{part}list{split:02d}.txt') for part in (TRAIN, TEST)}
    inner = [root / name for name in ('UCF-101', 'UCF101', 'videos') if (root / name).is_dir()]
    folder = inner[0] if inner else root
    wanted = {file: part for part, path in lists.items() for file in _files(path, labels)}
    both = sorted(set(_files(lists[TRAIN], labels)) & set(_files(lists[TEST], labels)))
    if both:
        raise DataError(f'{class_list.parent}: {len(both)} videos are in the training and in the '
                        f'test list of split {split}, as {both[0]}')
    videos = []
    for action in labels.labels:
        for path in video_files(folder / action) if (folder / action).is_dir() else ():
            name = f'{action}/{path.stem}'
            part = wanted.pop(name, None)
            if part is None:
                findings.skip(f'{action}/{path.name}', f'no list of split {split} names it')
            else:
                videos.append(Video(name, path, labels.index(action), origin(path.stem), part))
    for missing in sorted(wanted):
        findings.skip(missing, f'a list of split {split} names it, but there is no such file')
    return VideoListing('ucf101', tuple(videos), labels, f'split {split}', SOURCE)


def _labels(path: Path) -> LabelSet:
    numbered = [line.split() for line in read_lines(path)]
    if not all(len(words) == 2 and words[0].isdecimal() for words in numbered):
        raise DataError(f'{path}: a line is not a number and the name of an action')
    ordered = sorted(numbered, key=lambda words: int(words[0]))
    if [int(number) for number, _ in ordered] != list(range(1, len(ordered) + 1)):
        raise DataError(f'{path}: the actions are not numbered from 1 without a gap')
    return LabelSet('ucf101', tuple(name for _, name in ordered))


def _files(path: Path, labels: LabelSet) -> list[str]:
    """Return action/video of each line; a number behind it has to be the action's."""
    files = []
    for row, line in enumerate(read_lines(path), 1):
        file, _, number = line.partition(' ')
        action, _, video = file.partition('/')
        if action not in labels.labels or not video or (
                number and number.strip() != str(labels.index(action) + 1)):
            raise DataError(f'{path}, line {row}: {line!r} is not action/video.avi, perhaps with '
                            'the number that classInd.txt gives the action')
        files.append(f'{action}/{PurePosixPath(video).stem}')
    return files
