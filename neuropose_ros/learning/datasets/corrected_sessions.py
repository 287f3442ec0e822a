"""Our own corrected recordings as annotated pictures: what people said by `neuropose correct`.

A session that was recorded with its pictures (a bag beside it) gives the frames in which somebody
said where a joint is, and the joints that were said. All that holds of a recording counts:
corrections that were taken back do not, exchanged identities and rejected frames do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError, NeuroposeError
from neuropose_ros.core.pose import Floats, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.bag_pictures import picture_stamps
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.recording.bag_writing import FOLDER
from neuropose_ros.recording.folder import is_session
from neuropose_ros.recording.session import Session, open_session
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.corrections import CorrectionLog

SOURCE = 'recordings of your own, corrected by hand'
# Of scores that are chances, seven of eight such joints are right.
_LEAST_SCORE = 0.7
_BOX_GROWTH = 0.1


def sessions_in(root: Path) -> list[Path]:
    """Return the session that a folder is, or those in it."""
    if is_session(root):
        return [root]
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if is_session(path))


def read_corrected(
    root: Path, findings: Findings, *, found: bool = False,
) -> tuple[tuple[AnnotatedPicture, ...], str]:
    """Read the frames of recordings in which somebody said where joints are.

    People of whom nothing was said are in `AnnotatedPicture.ignored`.

    Args:
        root: folder of a session, or with sessions.
        findings: takes sessions and frames that cannot be used.
        found: the joints of the same person that were measured with a score of at least 0.7 count
            as well: who corrected a joint saw the others and let them be. To learn from; a model
            would be compared with itself.

    Returns:
        The frames, and whose they are.

    Raises:
        DataError: there is no session, or they have different joints.
    """
    sessions = sessions_in(root)
    if not sessions:
        raise DataError(f'{root}: there is no session in it')
    pictures: list[AnnotatedPicture] = []
    for path in sessions:
        try:
            with open_session(path) as session:
                pictures += _of_session(session, path, findings, found)
        except NeuroposeError as error:
            findings.skip(path.name, error)
    others = [picture for picture in pictures if picture.layout != pictures[0].layout]
    if others:
        raise DataError(f'{root}: recordings with the joints {pictures[0].layout.id} and '
                        f'{others[0].layout.id} cannot be used together: give one of them')
    return tuple(pictures), SOURCE


def _of_session(
    session: Session, path: Path, findings: Findings, found: bool,
) -> Iterator[AnnotatedPicture]:
    corrector = Corrector(CorrectionLog(session.corrections()))
    if not len(corrector.log):
        findings.skip(path.name, 'nobody corrected anything')
        return
    bag = path / FOLDER
    if not bag.exists():
        raise DataError(f'{path}: it was recorded without pictures; record with bag:=compressed '
                        'or bag:=raw')
    numbers = {stamp_ns: number for number, stamp_ns in enumerate(picture_stamps(bag))}
    for frame in session.poses():
        people = [(person, labelled) for person in corrector.apply(frame).persons
                  if (labelled := _labelled(person, found)) is not None]
        if not people:
            continue
        if frame.stamp_ns not in numbers:
            findings.skip(f'{path.name}, frame {frame.frame_seq}', 'its picture is not in the bag')
            continue
        said = {person.track_id for person, _ in people}
        others = [person for person in frame.persons if person.track_id not in said]
        yield _picture(bag, session.layout(frame.layout), numbers[frame.stamp_ns], people, others)


def _labelled(person: PersonPose, found: bool) -> NDArray[np.bool_] | None:
    """Return which joints are labelled; None = nobody said where one is."""
    said = np.asarray(person.keypoint_states == JointState.CORRECTED)
    if not said.any():
        return None
    if found:
        said |= (person.keypoint_states == JointState.MEASURED) & (
            person.keypoint_scores >= _LEAST_SCORE)
    return said & np.isfinite(person.keypoints).all(1)


def _picture(
    bag: Path, layout: SkeletonLayout, number: int,
    people: list[tuple[PersonPose, NDArray[np.bool_]]], others: list[PersonPose],
) -> AnnotatedPicture:
    points = np.stack([np.where(labelled[:, np.newaxis], person.keypoints, np.float32(np.nan))
                       for person, labelled in people])
    boxes = np.stack([_box(person) for person, _ in people])
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    ignored = [(*person.box.tolist(), float(np.prod(person.box[2:] - person.box[:2])), 0.0)
               for person in others if np.isfinite(person.box).all()]
    return AnnotatedPicture(
        bag, layout, points.astype(np.float32), np.stack([labelled for _, labelled in people]),
        boxes, areas, np.full(len(people), np.nan, np.float32), number, str(bag.parent),
        ignored=np.array(ignored, np.float32).reshape(-1, 6))


def _box(person: PersonPose) -> Floats:
    """Return a box that holds the joints where they were said to be, too."""
    known = person.keypoints[np.isfinite(person.keypoints).all(1)]
    low, high = known.min(0), known.max(0)
    grown = np.concatenate((low, high)) + _BOX_GROWTH * np.tile(high - low, 2) * (-1, -1, 1, 1)
    if not np.isfinite(person.box).all():
        return grown.astype(np.float32)
    box = person.box
    return np.concatenate((np.minimum(grown[:2], box[:2]), np.maximum(grown[2:], box[2:]))).astype(
        np.float32)
