"""Reading the pictures that annotations are of, and holding the annotations against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby

import numpy as np

from neuropose_ros.core.errors import DataError, ImageError, SourceError
from neuropose_ros.core.pose import Image
from neuropose_ros.learning.datasets.bag_pictures import bag_pictures
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.recording.bag_reading import is_bag
from neuropose_ros.sources.folder import read_picture
from neuropose_ros.sources.video import VideoSource

# Tools put a joint on the border as they please: on its pixel, its edge, or rounded.
_EDGE_PX = 1.0


def load_pictures(
    pictures: Sequence[AnnotatedPicture], findings: Findings,
) -> Iterator[tuple[int, AnnotatedPicture, Image]]:
    """Give index, annotations and (H, W, 3) uint8 BGR of each picture that can be used, in order.

    16-bit and grey pictures become 8 bits and three channels. Joints outside of a picture become
    NaN unless they are meant, people with an empty box or without a joint that is left go. A
    video is read once for all frames in a row that are of it, which must be sorted.

    Args:
        findings: takes pictures that cannot be read or have another size than is stated, frames
            that a video does not have, and joints and people that were taken away.
    """
    for index, image in _images(pictures, findings):
        picture = pictures[index]
        height, width = image.shape[:2]
        stated = picture.size_px
        if stated is not None and stated != (width, height):
            findings.skip(picture.name, f'it has {width}x{height} px, but its annotations are '
                                        f'of {stated[0]}x{stated[1]} px')
            continue
        checked = _checked(picture, width, height, findings)
        if checked.keypoints.size or not picture.keypoints.size:
            yield index, checked, image


def _checked(
    picture: AnnotatedPicture, width: int, height: int, findings: Findings,
) -> AnnotatedPicture:
    points, limits = picture.keypoints, np.array([width, height], np.float32) + _EDGE_PX
    with np.errstate(invalid='ignore'):
        outside = np.asarray(((points < -_EDGE_PX) | (points > limits)).any(-1))
        empty = (picture.boxes[:, 2:] <= picture.boxes[:, :2]).any(1)
    if picture.is_beyond_meant:
        outside = np.zeros_like(outside)
    for person, joint in zip(*np.nonzero(outside), strict=True):
        findings.skip(f'{picture.name}, person {person + 1}',
                      f'{picture.layout.names[joint]} lies outside of the picture')
    for person in np.flatnonzero(empty):
        findings.skip(f'{picture.name}, person {person + 1}', 'the box is empty')
    if not outside.any() and not empty.any():
        return picture
    points = np.where(outside[..., np.newaxis], np.float32(np.nan), points)
    kept = np.asarray(~empty & np.isfinite(points).any((1, 2)))
    return replace(
        picture, keypoints=points[kept], visible=(picture.visible & ~outside)[kept],
        boxes=picture.boxes[kept], areas=picture.areas[kept],
        head_sizes=picture.head_sizes[kept],
        sizes_px=None if picture.sizes_px is None else picture.sizes_px[kept],
        keypoints_3d=None if picture.keypoints_3d is None else picture.keypoints_3d[kept])


def _images(
    pictures: Sequence[AnnotatedPicture], findings: Findings,
) -> Iterator[tuple[int, Image]]:
    for (path, is_video), run in groupby(
            enumerate(pictures), lambda item: (item[1].path, item[1].frame >= 0)):
        if is_video:
            read = _of_bag if is_bag(path) else _frames
            yield from read(list(run), findings)
            continue
        for index, picture in run:
            try:
                yield index, read_picture(path)
            except ImageError as error:
                findings.skip(picture.name, error)


def _frames(
    wanted: list[tuple[int, AnnotatedPicture]], findings: Findings,
) -> Iterator[tuple[int, Image]]:
    left = list(wanted)
    number = 0
    try:
        with closing(VideoSource(left[0][1].path, threads=1)) as source:
            while left and (read := source.read()) is not None:
                while left and left[0][1].frame <= number:
                    index, picture = left.pop(0)
                    if picture.frame == number:
                        yield index, read.image
                    else:
                        findings.skip(picture.name, 'it is not in the order of the video')
                number += 1
    except SourceError as error:
        problem = str(error)
    else:
        problem = f'the video ends after {number} frames'
    for _, picture in left:
        findings.skip(picture.name, problem)


def _of_bag(
    wanted: list[tuple[int, AnnotatedPicture]], findings: Findings,
) -> Iterator[tuple[int, Image]]:
    left = {picture.frame: (index, picture) for index, picture in wanted}
    problem = 'it is not in the bag'
    try:
        for number, image in bag_pictures(wanted[0][1].path, set(left)):
            index, picture = left.pop(number)
            if isinstance(image, ImageError):
                findings.skip(picture.name, image)
            else:
                yield index, image
    except DataError as error:
        problem = str(error)
    for _, picture in left.values():
        findings.skip(picture.name, problem)
