"""Annotated pictures: COCO keypoints and files of its form, and MPII Human Pose."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError, LayoutError
from neuropose_ros.core.layouts import MPII16
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.coco_joints import joints_of, people_category
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.matlab import read_matlab
from neuropose_ros.learning.datasets.tables import locate

# Head sizes of PCKh: this share of the diagonal of the head's box (Andriluka et al. 2014).
_HEAD_SHARE = 0.6
# Heads' boxes of the common JSON form lie beside it, under the names that HRNet and mmpose use.
_HEAD_FILES = ('gt_{}.mat', 'mpii_gt_{}.mat', 'mpii_gt_val.mat')
# A person of scale 1 is this high. The centre given is that of the trunk: as is usual, the box is
# moved down a little (HRNet and mmpose do both).
_SCALE_PX = 200.0
_DOWN_PX = 15.0


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture and the people annotated in it.

    Attributes:
        path: of the picture.
        layout: of the keypoints.
        keypoints: (P, K, 2) float32 px, NaN where not labelled.
        visible: (P, K) bool, labelled and not hidden.
        boxes: (P, 4) float32 px, x_min y_min x_max y_max; NaN = not annotated.
        areas: (P,) float32 px^2 of the person's outline; NaN = not annotated.
        head_sizes: (P,) float32 px, by which PCKh divides; NaN = not annotated.
        frame: of the video or bag at `path`, from 0; -1 = that is a picture.
        group: the recording it is from: a hold-out never splits one; '' = a group of its own.
        picture_id: by which results are told apart; -1 = it has none.
        size_px: width and height as the annotations state them; None = they do not.
        sizes_px: (P,) float32 px, by which PCK divides where the data set has a size of its own.
        keypoints_3d: (P, K, 3) float32 m, NaN where not known.
        ignored: (N, 6) float32: x_min y_min x_max y_max area crowd (0 or 1) of people that are
            marked and cannot be compared: crowds, and people without a labelled joint.
        is_beyond_meant: joints outside of the picture are annotated on purpose.
    """

    path: Path
    layout: SkeletonLayout
    keypoints: Floats
    visible: Any
    boxes: Floats
    areas: Floats
    head_sizes: Floats
    frame: int = -1
    group: str = ''
    picture_id: int = -1
    size_px: tuple[int, int] | None = None
    sizes_px: Floats | None = None
    keypoints_3d: Floats | None = None
    ignored: Floats = field(default_factory=lambda: np.zeros((0, 6), np.float32))
    is_beyond_meant: bool = False

    @property
    def name(self) -> str:
        """For people."""
        if self.frame < 0:
            return self.path.name
        # A recording is named by its folder, in which its bag lies.
        recording = self.path.parent.name if self.path.is_dir() else self.path.stem
        return f'{recording}, frame {self.frame}'


@dataclass(frozen=True)
class _Person:
    keypoints: Floats
    visible: Any
    box: Iterable[float] = (np.nan,) * 4
    area: float = np.nan
    head_size: float = np.nan


@dataclass
class _Annotated:
    """What is said of one picture."""

    people: list[_Person] = field(default_factory=list)
    ignored: list[tuple[float, ...]] = field(default_factory=list)
    picture_id: int = -1
    size_px: tuple[int, int] | None = None


def read_coco(
    annotations: Path, pictures: Path, findings: Findings | None = None, *, empty: bool = False,
) -> tuple[AnnotatedPicture, ...]:
    """Read person keypoints in the form of COCO (Lin et al. 2014; ``person_keypoints_*.json``).

    Crowds and people without a labelled joint are in `AnnotatedPicture.ignored`, as in COCO's own
    evaluation. The joints are those that the file's category names, as CVAT and Label Studio
    write them; COCO's own where it names none.

    Args:
        annotations: the JSON file.
        pictures: folder with its pictures.
        findings: takes pictures without a file and annotations that are not of the form or have
            an empty box.
        empty: keep the pictures in which nobody is labelled.

    Raises:
        DataError: the file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    content = _json(annotations)
    try:
        images = {int(image['id']): image for image in content['images']}
        found = {str(image['file_name']): _Annotated(picture_id=number, size_px=_size(image))
                 for number, image in images.items()}
        entries = list(content['annotations'])
        category = people_category(content.get('categories') or ())
        layout = joints_of(category, annotations.stem.lower())
    except (KeyError, TypeError, ValueError, LayoutError, AttributeError) as error:
        raise DataError(f'{annotations}: it lacks images, annotations or sound categories, the '
                        f'form of COCO ({error})') from error
    if len(images) < len(content['images']):
        raise DataError(f'{annotations}: two of its pictures have the same id, so whose '
                        'annotations are meant is not known: export it again')
    named = {number: found[str(image['file_name'])] for number, image in images.items()}
    ours = [entry for entry in entries if not _is_of_another(entry, category)]
    if entries and not ours:
        raise DataError(f'{annotations}: all of its {len(entries)} annotations are of other '
                        'categories than the one with joints')
    _take_in(ours, named, len(layout), findings)
    kept = {name: item for name, item in found.items() if item.people or empty}
    return _pictures(pictures, kept, layout, findings)


def _is_of_another(entry: Any, category: Mapping[str, Any] | None) -> bool:
    return category is not None and isinstance(entry, dict) and (
        entry.get('category_id') != category.get('id'))


def _take_in(
    entries: Iterable[Any], pictures: Mapping[int, _Annotated], joints: int, findings: Findings,
) -> None:
    for entry in entries:
        name = f'annotation {entry.get("id", "?") if isinstance(entry, dict) else "?"}'
        try:
            picture = pictures.get(int(entry['image_id']))
            if picture is None:
                raise DataError('the file has no picture of its image_id')
            _add(picture, entry, joints)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            findings.skip(name, f'it is not of the form of COCO ({error!r})')
        except DataError as error:
            findings.skip(name, error)


def _size(image: Any) -> tuple[int, int] | None:
    stated = image.get('width'), image.get('height')
    return (int(stated[0]), int(stated[1])) if all(stated) else None


def _add(picture: _Annotated, entry: Any, joints: int) -> None:
    """Take an annotation in.

    Raises:
        DataError: its box is empty, or its joints are more or fewer than the file's.
        KeyError, TypeError, ValueError: it is not of the form.
    """
    x, y, width, height = (float(value) for value in entry['bbox'])
    box = x, y, x + width, y + height
    area = float(entry.get('area') or width * height)
    crowd = bool(entry.get('iscrowd'))
    if crowd or not entry.get('num_keypoints', 1):
        picture.ignored.append((*box, area, float(crowd)))
        return
    numbers = np.array(entry['keypoints'], np.float32).reshape(-1)
    if numbers.size != 3 * joints:
        raise DataError(f'its keypoints are {numbers.size} numbers; x, y and visibility of the '
                        f'{joints} joints that the file names are {3 * joints}')
    table = numbers.reshape(joints, 3)
    labelled = (table[:, 2:] > 0) & np.isfinite(table[:, :2]).all(1, keepdims=True)
    if not labelled.any():
        picture.ignored.append((*box, area, 0.0))
        return
    if not (width > 0 and height > 0):
        raise DataError(f'its box is empty ({width:g} x {height:g} px)')
    picture.people.append(_Person(
        np.where(labelled, table[:, :2], np.float32(np.nan)), table[:, 2] == 2, box, area))


def read_mpii(
    annotations: Path, pictures: Path, findings: Findings | None = None,
) -> tuple[AnnotatedPicture, ...]:
    """Read MPII Human Pose (Andriluka et al. 2014).

    Both the release (``mpii_human_pose_v1_u12_1.mat``; its pictures for training have
    annotations) and the common JSON form (a list of image, joints, joints_vis, center, scale) are
    read, with it the heads' boxes of ``gt_valid.mat`` where that lies beside it. MATLAB counts
    pixels from 1: 1 is taken from all coordinates.

    Args:
        annotations: the .mat or .json file.
        pictures: folder with its pictures.
        findings: takes pictures without a file and annotations that are not of the form.

    Raises:
        DataError: the file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    people: defaultdict[str, _Annotated] = defaultdict(_Annotated)
    if annotations.suffix == '.mat':
        _from_release(annotations, people)
        return _pictures(pictures, people, MPII16, findings)
    content = _json(annotations)
    if not isinstance(content, list):
        raise DataError(f'{annotations}: this is no list of people with image and joints')
    heads = _head_sizes(annotations, len(content))
    for number, entry in enumerate(content):
        try:
            points = np.array(entry['joints'], np.float32).reshape(len(MPII16), 2) - 1
            visible = np.array(entry['joints_vis'], bool).reshape(len(MPII16))
            points[~visible] = np.nan
            people[str(entry['image'])].people.append(_Person(
                points, visible, _mpii_box(entry.get('center'), entry.get('scale')),
                head_size=heads[number]))
        except (KeyError, TypeError, ValueError) as error:
            findings.skip(f'annotation {number}', f'it is not of the form of MPII ({error!r})')
    return _pictures(pictures, people, MPII16, findings)


def _mpii_box(centre: Any, scale: Any) -> tuple[float, ...]:
    """Return the box that is meant by a centre (counted from 1) and a scale; NaN without."""
    if centre is None or scale is None or min(centre) <= 0 or not scale > 0:  # -1 = not known
        return (np.nan,) * 4
    x, y = (float(value) - 1 for value in centre)
    half = _SCALE_PX * float(scale) / 2
    y += _DOWN_PX * float(scale)
    return x - half, y - half, x + half, y + half


def _head_sizes(annotations: Path, people: int) -> list[float]:
    """Return the head size of each person of a JSON file, NaN where no file has them.

    Raises:
        DataError: the file of heads is of other people.
    """
    names = (annotations.with_name(name.format(annotations.stem)) for name in _HEAD_FILES)
    path = next((name for name in names if name.is_file()), None)
    if path is None:
        return [np.nan] * people
    boxes = np.asarray(read_matlab(path, 'headboxes_src'), np.float64)
    if boxes.shape != (2, 2, people):
        raise DataError(f'{path}: it has the heads of {boxes.shape[-1]} people, but '
                        f'{annotations.name} has {people}: take the one that belongs to it')
    sizes: list[float] = (_HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0)).tolist()
    return sizes


def _from_release(path: Path, people: defaultdict[str, _Annotated]) -> None:
    release = read_matlab(path, 'RELEASE', structs=True)
    try:
        for picture in np.atleast_1d(release.annolist):
            for person in np.atleast_1d(getattr(picture, 'annorect', ())):
                found = _release_person(person)
                if found is not None:
                    people[str(picture.image.name)].people.append(found)
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise DataError(f'{path}: this is not the release of MPII Human Pose '
                        f'({error})') from error


def _release_person(person: Any) -> _Person | None:
    """Return a person of the release; None of one without joints (only a head is boxed)."""
    marked = getattr(getattr(person, 'annopoints', None), 'point', None)
    if marked is None:
        return None
    points = np.full((len(MPII16), 2), np.nan, np.float32)
    visible = np.zeros(len(MPII16), bool)
    for point in np.atleast_1d(marked):
        points[int(point.id)] = float(point.x) - 1, float(point.y) - 1
        shown = getattr(point, 'is_visible', 1)  # left empty for heads, which are seen
        visible[int(point.id)] = bool(int(shown)) if np.size(shown) else True
    corners = [float(getattr(person, key)) for key in ('x1', 'y1', 'x2', 'y2')]
    diagonal = float(np.hypot(corners[2] - corners[0], corners[3] - corners[1]))
    place: Any = getattr(person, 'objpos', None)
    centre = (place.x, place.y) if hasattr(place, 'x') else None
    return _Person(points, visible, _mpii_box(centre, getattr(person, 'scale', None)),
                   head_size=_HEAD_SHARE * diagonal)


def _pictures(
    folder: Path, annotated: Mapping[str, _Annotated], layout: SkeletonLayout,
    findings: Findings,
) -> tuple[AnnotatedPicture, ...]:
    found = []
    for name, item in annotated.items():
        path = folder / name
        if not path.is_file():
            path = folder / Path(name).name  # tools write the path on their own server
        if not path.is_file():
            findings.skip(name, f'it is annotated, but {folder} has no such picture')
            continue
        people, count = item.people, len(item.people)
        shape = count, len(layout)
        found.append(AnnotatedPicture(
            path, layout,
            np.array([person.keypoints for person in people], np.float32).reshape(*shape, 2),
            np.array([person.visible for person in people], bool).reshape(shape),
            np.array([tuple(person.box) for person in people], np.float32).reshape(count, 4),
            np.array([person.area for person in people], np.float32),
            np.array([person.head_size for person in people], np.float32),
            picture_id=item.picture_id, size_px=item.size_px,
            ignored=np.array(item.ignored, np.float32).reshape(-1, 6)))
    return tuple(found)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text('utf-8'))
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as JSON ({error})') from error


def find_coco(root: Path, findings: Findings) -> tuple[AnnotatedPicture, ...]:
    """Read the validation part of COCO as it is unpacked: ``annotations`` and ``val2017``.

    Raises:
        DataError: as `read_coco`, or one of them is missing.
    """
    return read_coco(locate(root, 'annotations/person_keypoints_val2017.json'),
                     locate(root, 'val2017', 'images/val2017'), findings)


def find_mpii(root: Path, findings: Findings) -> tuple[AnnotatedPicture, ...]:
    """Read MPII as it is unpacked: ``images`` and the release or ``annot/valid.json``.

    Raises:
        DataError: as `read_mpii`, or one of them is missing.
    """
    return read_mpii(locate(root, 'annot/valid.json', 'mpii_human_pose_v1_u12_1.mat',
                            'annotations/mpii_human_pose_v1_u12_1.mat'),
                     locate(root, 'images'), findings)
