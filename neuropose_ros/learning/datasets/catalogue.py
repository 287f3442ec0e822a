"""The data sets that can be read, by name: what commands and recipes choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.datasets.findings import DEFAULT_SKIPPED_SHARE, Findings
from neuropose_ros.learning.datasets.hmdb51 import list_hmdb51
from neuropose_ros.learning.datasets.jhmdb import list_jhmdb14_videos, read_jhmdb14
from neuropose_ros.learning.datasets.nw_ucla import read_nw_ucla
from neuropose_ros.learning.datasets.videos import VideoListing

Content = Split | ClipSet | VideoListing


@dataclass(frozen=True)
class DataSet:
    """A data set that can be read.

    Attributes:
        name: as commands take it.
        gives: `Split` (poses, divided), `ClipSet` (poses, not divided) or `VideoListing`.
        splits: what ``--split`` takes, the first being the default; () = it is not divided.
        summary: one line for people.
        read: takes the folder, the split ('' where there is none) and the findings.
    """

    name: str
    gives: type[Content]
    splits: tuple[str, ...]
    summary: str
    read: Callable[[Path, str, Findings], Content]

    def split(self, wanted: str | int = '') -> str:
        """Return the split meant by ``--split``: '' is the default, 2 the second.

        Raises:
            DataError: there is no such split.
        """
        text = str(wanted)
        if not self.splits or text in self.splits:
            return text
        if not text:
            return self.splits[0]
        if text.isdecimal() and 0 < int(text) <= len(self.splits):
            return self.splits[int(text) - 1]
        raise DataError(f'{self.name} has no split {text}; it has {", ".join(self.splits)}')


DATA_SETS = {item.name: item for item in (
    DataSet('jhmdb14', Split, ('1', '2', '3'), 'J-HMDB, 14 classes, 2D ground truth, 15 joints',
            lambda root, split, findings: read_jhmdb14(root, int(split), findings)),
    DataSet('jhmdb14_video', VideoListing, ('1', '2', '3'), 'J-HMDB, 14 classes, videos',
            lambda root, split, findings: list_jhmdb14_videos(root, int(split), findings)),
    DataSet('nw_ucla', Split, ('1', '2', '3'), 'Northwestern-UCLA, 10 classes, 20 joints in 3D',
            lambda root, split, findings: read_nw_ucla(root, int(split), findings)),
    DataSet('hmdb51', VideoListing, ('1', '2', '3'), 'HMDB51, 51 classes, videos',
            lambda root, split, findings: list_hmdb51(root, int(split), findings)),
)}


def data_set(name: str) -> DataSet:
    """Return a data set by name.

    Raises:
        DataError: there is none of this name.
    """
    if name not in DATA_SETS:
        raise DataError(f'unknown data set {name!r}; known are {", ".join(sorted(DATA_SETS))}')
    return DATA_SETS[name]


def read_data_set(
    name: str, root: Path, split: str | int = '', *,
    skipped_share: float = DEFAULT_SKIPPED_SHARE,
) -> tuple[Content, Findings]:
    """Read a data set and what could not be used of it.

    Args:
        root: folder that it lies in.
        split: as ``--split`` gives it; '' = the default of the data set.
        skipped_share: stop if more than this share (0..1) of the clips cannot be used.

    Raises:
        DataError: name, folder or split are wrong, or too much cannot be used.
    """
    entry = data_set(name)
    if not root.is_dir():
        raise DataError(f'{root}: there is no such folder')
    findings = Findings()
    content = entry.read(root, entry.split(split), findings)
    used = len(content.train) + len(content.test) if isinstance(content, Split) else len(content)
    findings.refuse_many(used, skipped_share)
    return content, findings


def read_split(
    name: str, root: Path, split: str | int = '', *,
    skipped_share: float = DEFAULT_SKIPPED_SHARE,
) -> tuple[Split, Findings]:
    """Read a data set of poses with a training and a test part; see `read_data_set`.

    Raises:
        DataError: as `read_data_set`, or the data set is of another kind or has an empty part.
    """
    content, findings = read_data_set(name, root, split, skipped_share=skipped_share)
    if isinstance(content, VideoListing):
        raise DataError(f'{name} holds videos: `neuropose preprocess` makes poses of them first')
    if isinstance(content, ClipSet):
        raise DataError(f'{name} has no training and test part')
    for part, clips in (('training', content.train), ('test', content.test)):
        if not len(clips):
            raise DataError(f'{root}: the {part} part of {name}, {content.protocol}, is empty')
    return content, findings
