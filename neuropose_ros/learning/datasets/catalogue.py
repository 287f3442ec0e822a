"""The data sets that can be read, by name: what commands and recipes choose from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet, Split, read_clip_set
from neuropose_ros.learning.datasets.cmu_mocap import read_cmu_mocap
from neuropose_ros.learning.datasets.findings import DEFAULT_SKIPPED_SHARE, Findings
from neuropose_ros.learning.datasets.h36m import read_h36m
from neuropose_ros.learning.datasets.hmdb51 import list_hmdb51
from neuropose_ros.learning.datasets.jhmdb import list_jhmdb14_videos, read_jhmdb14
from neuropose_ros.learning.datasets.kinetics import list_kinetics
from neuropose_ros.learning.datasets.labelled_folder import list_folder
from neuropose_ros.learning.datasets.ntu import read_ntu60
from neuropose_ros.learning.datasets.nw_ucla import read_nw_ucla
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture, find_coco, find_mpii
from neuropose_ros.learning.datasets.pyskl import read_pyskl
from neuropose_ros.learning.datasets.recordings import read_recordings
from neuropose_ros.learning.datasets.ucf101 import list_ucf101
from neuropose_ros.learning.datasets.utd_mhad import read_utd_mhad
from neuropose_ros.learning.datasets.validation import held_back
from neuropose_ros.learning.datasets.videos import VideoListing

Pictures = tuple[AnnotatedPicture, ...]
Content = Split | ClipSet | VideoListing | Pictures
_THREE = ('1', '2', '3')


@dataclass(frozen=True)
class DataSet:
    """A data set that can be read.

    Attributes:
        name: as commands take it.
        gives: `Split` (poses, divided), `ClipSet` (poses, not divided), `VideoListing`, or
            `AnnotatedPicture` for a tuple of them.
        splits: what ``--split`` takes, the first being the default; () = it is not divided
            or in one way only, None = the file names its splits.
        summary: one line for people.
        read: takes the folder, the split ('' where there is none) and the findings.
    """

    name: str
    gives: type
    splits: tuple[str, ...] | None
    summary: str
    read: Callable[[Path, str, Findings], Content]

    def split(self, wanted: str | int = '') -> str:
        """Return the split meant by ``--split``: '' is the default, 2 the second.

        Raises:
            DataError: there is no such split.
        """
        text = str(wanted)
        if self.splits is None or text in self.splits:
            return text
        if text.isdecimal() and 0 < int(text) <= len(self.splits):
            return self.splits[int(text) - 1]
        if not text or (text == '1' and not self.splits):
            return self.splits[0] if self.splits else ''
        known = f'it has {", ".join(self.splits)}' if self.splits else 'it is divided in one way'
        raise DataError(f'{self.name} has no split {text}; {known}')


_Read = Callable[[Path, str, Findings], Content]


def _numbered(read: Callable[[Path, int, Findings], Content]) -> _Read:
    return lambda root, split, findings: read(root, int(split), findings)


def _undivided(read: Callable[[Path, Findings], Content]) -> _Read:
    return lambda root, _split, findings: read(root, findings)


def _read_clips(root: Path, _findings: Findings) -> Split | ClipSet:
    """Read what `write_clip_set` wrote: one file, or a folder with train.npz and test.npz."""
    if root.is_dir() and (root / 'train.npz').is_file():
        return Split(read_clip_set(root / 'train.npz'), read_clip_set(root / 'test.npz'),
                     'train.npz -> test.npz')
    if root.is_dir():
        raise DataError(f'{root}: there is no train.npz; give a file of clips, or a folder with '
                        'train.npz and test.npz')
    return read_clip_set(root)


DATA_SETS = {item.name: item for item in (
    DataSet('jhmdb14', Split, _THREE, 'J-HMDB, 14 classes, 2D ground truth, 15 joints',
            _numbered(read_jhmdb14)),
    DataSet('jhmdb14_video', VideoListing, _THREE, 'J-HMDB, 14 classes, videos',
            _numbered(list_jhmdb14_videos)),
    DataSet('nw_ucla', Split, _THREE, 'Northwestern-UCLA, 10 classes, 20 joints in 3D',
            _numbered(read_nw_ucla)),
    DataSet('utd_mhad', Split, (), 'UTD-MHAD, 27 classes, 20 joints in 3D',
            _undivided(read_utd_mhad)),
    DataSet('ucf101', VideoListing, _THREE, 'UCF101, 101 classes, videos',
            _numbered(list_ucf101)),
    DataSet('hmdb51', VideoListing, _THREE, 'HMDB51, 51 classes, videos',
            _numbered(list_hmdb51)),
    DataSet('kinetics', VideoListing, (), 'folders train, val, test of Kinetics, videos',
            _undivided(list_kinetics)),
    DataSet('ntu60', Split, ('xsub', 'xview'), 'NTU RGB+D, 60 classes, 25 joints in 3D',
            read_ntu60),
    DataSet('pyskl', Split, None, 'a skeleton pickle of PYSKL or MMAction2', read_pyskl),
    DataSet('folder', VideoListing, (), 'your own videos: a folder for each label, or labels.csv',
            _undivided(list_folder)),
    DataSet('recordings', ClipSet, (), 'your own bags with event markers',
            _undivided(read_recordings)),
    DataSet('clips', ClipSet, (), 'files of clips that `neuropose preprocess` wrote',
            _undivided(_read_clips)),
    DataSet('cmu_mocap', ClipSet, (), 'CMU motion capture, 28 joints in 3D, no labels',
            _undivided(read_cmu_mocap)),
    DataSet('h36m', Split, (), 'Human3.6M, 17 joints in 3D',
            _undivided(read_h36m)),
    DataSet('coco', AnnotatedPicture, (), 'COCO keypoints, pictures for pose evaluation',
            _undivided(find_coco)),
    DataSet('mpii', AnnotatedPicture, (), 'MPII Human Pose, pictures for pose evaluation',
            _undivided(find_mpii)),
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
    if not root.exists():
        raise DataError(f'{root}: there is no such file or folder')
    findings = Findings()
    part = entry.split(split)
    try:
        content = entry.read(root, part, findings)
    except OSError as error:
        raise DataError(f'{root}: cannot be read as {name} ({error})') from error
    used = len(content.train) + len(content.test) if isinstance(content, Split) else len(content)
    findings.refuse_many(used, skipped_share)
    return content, findings


def read_split(
    name: str, root: Path, split: str | int = '', *,
    skipped_share: float = DEFAULT_SKIPPED_SHARE, test_share: float = 0.2, seed: int = 0,
) -> tuple[Split, Findings]:
    """Read a data set of poses with a training and a test part; see `read_data_set`.

    Where the makers did not divide it, `test_share` of it is held back by group, drawn with
    `seed`; the protocol says so.

    Raises:
        DataError: as `read_data_set`, or the data set is of another kind or has an empty part.
    """
    content, findings = read_data_set(name, root, split, skipped_share=skipped_share)
    if isinstance(content, ClipSet) and content.labels is not None:
        content = held_back(content, test_share, seed)
    if not isinstance(content, Split):
        raise DataError(f'{name} gives no labelled poses' + (
            ': `neuropose preprocess` makes poses of its videos first'
            if isinstance(content, VideoListing) else ''))
    for part, clips in (('training', content.train), ('test', content.test)):
        if not len(clips):
            raise DataError(f'{root}: the {part} part of {name}, {content.protocol}, is empty')
    return content, findings
