"""Sets of annotated pictures, by the form in which they lie on the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.corrected_sessions import read_corrected, sessions_in
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.h36m_pictures import read_h36m_pictures
from neuropose_ros.learning.datasets.jhmdb import read_jhmdb_frames
from neuropose_ros.learning.datasets.pictures import (
    AnnotatedPicture,
    find_mpii,
    read_coco,
    read_mpii,
)
from neuropose_ros.learning.datasets.tables import locate

TRAIN, TEST = 'train', 'test'
"""Parts of a set that its makers divided."""

_Pictures = tuple[AnnotatedPicture, ...]
_FOLDERS = ('images', 'images/default', 'pictures', 'data')


@dataclass(frozen=True)
class PictureSet:
    """Annotated pictures with the same joints.

    Attributes:
        name: of the set, for people.
        source: whose it is and under which terms, as its authors state them.
    """

    name: str
    layout: SkeletonLayout
    pictures: _Pictures
    source: str = ''

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)

    def only(self, pictures: _Pictures) -> PictureSet:
        """Return the same set with these pictures."""
        return PictureSet(self.name, self.layout, pictures, self.source)


def read_picture_set(
    form: str, root: Path, part: str = '', findings: Findings | None = None, *,
    empty: bool = False,
) -> PictureSet:
    """Read a set of annotated pictures.

    Args:
        form: one of `FORMS`, or '' = the one whose files lie there.
        root: folder that the set lies in; of ``coco`` also the JSON file.
        part: `TRAIN` or `TEST` of a set that is divided; '' = all of it.
        findings: takes what cannot be used.
        empty: keep the pictures in which nobody is labelled, where the form has such.

    Raises:
        DataError: form or part are unknown, files are missing or not of the form, or nothing
            can be used.
    """
    findings = Findings() if findings is None else findings
    if not root.exists():
        raise DataError(f'{root}: there is no such file or folder')
    if part not in ('', TRAIN, TEST):
        raise DataError(f'the part {part!r} is unknown; train, test and nothing are allowed')
    form = form or _form_of(root)
    if form not in FORMS:
        raise DataError(f'the form {form!r} is unknown; known are {", ".join(FORMS)}')
    pictures, source = FORMS[form](root, part, findings, empty)
    if not pictures:
        raise DataError(f'{root}: no picture with people can be used; {findings.report()}')
    name = root.stem if form == 'coco' and root.is_file() else form
    return PictureSet(name, pictures[0].layout, pictures, source)


def _form_of(root: Path) -> str:
    """Tell the form by the files that lie there; COCO's is what all others write."""
    if any((root / name).exists() for name in ('jhmdb14_named.npz', 'jhmdb/jhmdb14_named.npz')):
        return 'jhmdb'
    if sessions_in(root):
        return 'corrected'
    if any(root.glob('annotation_body3d/fps*/*.npz')):
        return 'h36m'
    mpii = ('annot/valid.json', 'mpii_human_pose_v1_u12_1.mat',
            'annotations/mpii_human_pose_v1_u12_1.mat')
    return 'mpii' if any((root / name).exists() for name in mpii) else 'coco'


def _read_coco(
    root: Path, part: str, findings: Findings, empty: bool,
) -> tuple[_Pictures, str]:
    """Read COCO as it is unpacked, or one file of its form and the pictures beside it."""
    if root.is_dir() and (root / 'annotations' / 'person_keypoints_val2017.json').is_file():
        name = 'train2017' if part == TRAIN else 'val2017'
        return (read_coco(locate(root, f'annotations/person_keypoints_{name}.json'),
                          locate(root, name, f'images/{name}'), findings, empty=empty),
                'COCO keypoints (Lin et al. 2014): annotations CC BY 4.0, pictures of Flickr')
    file = root if root.is_file() else _only_json(root, part)
    return read_coco(file, _folder_of_pictures(file), findings, empty=empty), ''


def _only_json(root: Path, part: str) -> Path:
    """Return the one file of annotations below a folder; of several the one named as the part."""
    there = sorted((*root.glob('*.json'), *root.glob('annotations/*.json')))
    found = [path for path in there if part in path.stem] if len(there) > 1 else there
    if len(found) != 1:
        listed = ', '.join(path.name for path in there) or 'none'
        named = f', or one of several with {part!r} in its name' if part else ''
        raise DataError(f'{root}: one .json file of annotations is expected{named}; there is '
                        f'{listed}: give the file itself')
    return found[0]


def _folder_of_pictures(file: Path) -> Path:
    beside = file.parent
    if beside.name == 'annotations':  # as CVAT and COCO lay them out
        beside = beside.parent
    return next((beside / name for name in _FOLDERS if (beside / name).is_dir()), beside)


def _read_mpii(
    root: Path, part: str, findings: Findings, _empty: bool,
) -> tuple[_Pictures, str]:
    source = 'MPII Human Pose (Andriluka et al. 2014): research data, non-commercial'
    if part == TRAIN:
        return read_mpii(locate(root, 'annot/train.json', 'mpii_human_pose_v1_u12_1.mat'),
                         locate(root, 'images'), findings), source
    return find_mpii(root, findings), source


def _read_jhmdb(
    root: Path, part: str, findings: Findings, _empty: bool,
) -> tuple[_Pictures, str]:
    return read_jhmdb_frames(root, part, findings=findings)


def _read_h36m(
    root: Path, part: str, findings: Findings, _empty: bool,
) -> tuple[_Pictures, str]:
    return read_h36m_pictures(root, part, findings)


def _read_corrected(
    root: Path, _part: str, findings: Findings, _empty: bool,
) -> tuple[_Pictures, str]:
    return read_corrected(root, findings)


def _read_corrected_and_found(
    root: Path, _part: str, findings: Findings, _empty: bool,
) -> tuple[_Pictures, str]:
    return read_corrected(root, findings, found=True)


FORMS: Mapping[str, Callable[[Path, str, Findings, bool], tuple[_Pictures, str]]] = {
    'coco': _read_coco, 'mpii': _read_mpii, 'jhmdb': _read_jhmdb, 'h36m': _read_h36m,
    'corrected': _read_corrected, 'corrected_and_found': _read_corrected_and_found,
}
"""How sets lie on the disk."""


def hold_out(
    pictures: _Pictures, share: float, seed: int = 0,
) -> tuple[_Pictures, _Pictures]:
    """Divide pictures at random into those to learn from and those held back.

    Args:
        share: of the pictures to hold back, at least; 0 = none.

    Returns:
        (to learn from, held back): no recording is in both, each in the order of `pictures`.

    Raises:
        DataError: the recordings leave one part empty.
    """
    if not share:
        return pictures, ()
    groups = [picture.group or f'{picture.path}' for picture in pictures]
    order = sorted(set(groups))
    np.random.default_rng(seed).shuffle(order)
    held: set[str] = set()
    count = 0
    for group in order:
        if count >= share * len(pictures):
            break
        held.add(group)
        count += groups.count(group)
    if len(held) == len(order):
        raise DataError(f'{len(order)} recordings are too few to hold {share:.0%} of '
                        f'{len(pictures)} pictures back: set validation_share=0')
    together = list(zip(pictures, groups, strict=True))
    return (tuple(picture for picture, group in together if group not in held),
            tuple(picture for picture, group in together if group in held))
