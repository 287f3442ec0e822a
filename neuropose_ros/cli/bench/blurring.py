"""Blurring: faces found by an independent detector before and after, and what it costs.

Clips with several people go through detector, pose network and tracker, then through the
blurring; once as they are, once with a share of the detections suppressed at random. BlazeFace
looks for faces in the pictures before and after. A sheet shows both side by side.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from neuropose_ros.cli.bench.face_finder import FaceFinder
from neuropose_ros.cli.bench.many_models import load_networks
from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.core.pose import Frame, FrameStatus, Image, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging.blurring import VideoBlurring
from neuropose_ros.pose.many import ManyPeople
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.sources.open import open_source

CLIPS = ('skeleton_demo.mp4', 'two_people_arm_wrestling.mp4', 'mmpose_demo.mp4', 'posetrack.mp4')
_DETECTOR, _ESTIMATOR = 'rtmdet-nano', 'movenet-lightning-int8'
_START_NS = 10**18
_TILE_PX, _COLUMNS, _MOST_TILES = 320, 4, 24


@dataclass(frozen=True)
class Clip:
    """A clip and the people in it.

    Attributes:
        poses: of each picture.
    """

    name: str
    layout: SkeletonLayout
    images: tuple[Image, ...]
    poses: tuple[PoseFrame, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with clips/ and models/ (default: $NEUROPOSE_DATA)')
    parser.add_argument('--suppressed', type=float, default=0.2,
                        help='share of the detections that are taken away (0.2)')
    parser.add_argument('--looks', type=int, default=40,
                        help='pictures of each clip in which faces are looked for (40)')
    parser.add_argument('--sheet', type=Path, metavar='PNG',
                        help='a contact sheet, before beside after')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 = a face was left."""
    if not args.data:
        raise NeuroposeError(
            'bench blurring needs clips with people: --data FOLDER or NEUROPOSE_DATA=FOLDER, with '
            'clips/ and models/')
    if not 0 <= args.suppressed < 1 or args.looks < 1:
        raise ParameterError('--suppressed is a share below 1, --looks is at least 1.')
    finder = FaceFinder()
    results, tiles = [], []
    for name in CLIPS:
        clip = read_clip(Path(args.data), name)
        for share in (0.0, args.suppressed):
            result, pictures = measure(clip, share, args.looks, finder)
            results.append(result)
            tiles += pictures
            print(words(result))
    if args.sheet is not None:
        write_sheet(tiles, args.sheet)
        print(f'{args.sheet} shows both')
    before = sum(result['faces_before'] for result in results)
    after = sum(result['faces_after'] for result in results)
    print(f'faces: {before} before, {after} after (target 0)')
    if args.json:
        print(json.dumps({'faces_before': before, 'faces_after': after, 'clips': results}))
    return int(after > 0)


def read_clip(data: Path, name: str, most: int = 10**9) -> Clip:
    """Return up to ``most`` pictures of a clip with the people in them.

    Raises:
        NeuroposeError: clip or networks cannot be had.
    """
    networks = load_networks(data, 1, (_DETECTOR,), (_ESTIMATOR,))
    try:
        for network, reason in networks.absent.items():
            raise NeuroposeError(f'bench blurring needs {network}: {reason}')
        stage = PoseStage(ManyPeople(
            networks.detectors[_DETECTOR], networks.estimators[_ESTIMATOR]))
        images, poses = [], []
        for number, (image, time_ns) in zip(range(most), _pictures(data / 'clips' / name),
                                            strict=False):
            images.append(image)
            poses.append(stage.process(Frame(image, _START_NS + time_ns, number)))
        return Clip(name, stage.layout, tuple(images), tuple(poses))
    finally:
        networks.close()


def _pictures(path: Path) -> Iterator[tuple[Image, int]]:
    source = open_source(str(path))
    try:
        for picture in iter(source.read, None):
            yield picture.image, picture.time_ns
    finally:
        source.close()


def measure(
    clip: Clip, suppressed: float, looks: int, finder: FaceFinder,
) -> tuple[dict[str, Any], list[Image]]:
    """Blur a clip and look for faces; return figures and pairs of pictures for the sheet."""
    blurring = VideoBlurring(clip.layout)
    watch, blurred = Stopwatch(), []
    for image, poses in zip(clip.images, suppress(clip.poses, suppressed), strict=True):
        blurred += [made for _, made in blurring.push(image, poses.stamp_ns, poses)]
    blurred += [made for _, made in blurring.flush()]
    spent_ms = watch.lap_ms()
    chosen = np.unique(np.linspace(0, len(blurred) - 1, looks).round().astype(int)).tolist()
    counts: Counter[str] = Counter()
    for index in chosen:
        counts['before'] += len(finder.find(clip.images[index]))
        counts['after'] += len(finder.find(blurred[index]))
    shown = chosen[::max(1, len(chosen) * 2 * len(CLIPS) // _MOST_TILES)]
    return {
        'clip': clip.name, 'suppressed': suppressed, 'pictures': len(blurred),
        'looked_at': len(chosen), 'faces_before': counts['before'],
        'faces_after': counts['after'], 'hidden': dict(blurring.counts),
        'ms_per_picture': spent_ms / len(blurred),
    }, [_pair(clip.images[index], blurred[index]) for index in shown]


def suppress(frames: tuple[PoseFrame, ...], share: float, seed: int = 0) -> Iterator[PoseFrame]:
    """Yield frames without a random share of their people, as if no detector had found them."""
    draws = np.random.default_rng(seed)
    for frame in frames:
        kept = tuple(one for one in frame.persons if draws.random() >= share)
        status = frame.status
        if not kept and status == FrameStatus.OK:
            status = FrameStatus.NO_PERSON
        yield replace(frame, persons=kept, status=status)


def words(result: dict[str, Any]) -> str:
    """Return the line for one clip."""
    hidden = ', '.join(f'{count} {what}' for what, count in sorted(result['hidden'].items()))
    return (f'{result["clip"]:30} {result["suppressed"]:4.0%} suppressed: faces '
            f'{result["faces_before"]:3} -> {result["faces_after"]} in {result["looked_at"]} '
            f'pictures; hidden of {result["pictures"]}: {hidden}; '
            f'{result["ms_per_picture"]:.1f} ms per picture')


def _pair(before: Image, after: Image) -> Image:
    both = np.hstack([before, after])
    height = round(2 * _TILE_PX * before.shape[0] / (2 * before.shape[1]))
    small: Image = cv2.resize(both, (2 * _TILE_PX, height), interpolation=cv2.INTER_AREA)
    return small


def write_sheet(pairs: list[Image], path: Path) -> None:
    """Write pairs of pictures as one PNG file.

    Raises:
        NeuroposeError: it cannot be written there.
    """
    columns = _COLUMNS // 2
    height = max(pair.shape[0] for pair in pairs)
    tiles = [cv2.copyMakeBorder(pair, 2, 2 + height - pair.shape[0], 2, 2, cv2.BORDER_CONSTANT,
                                value=(255, 255, 255)) for pair in pairs]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i:i + columns]) for i in range(0, len(tiles), columns)]
    try:
        path.write_bytes(bytes(cv2.imencode('.png', np.vstack(rows))[1]))
    except OSError as error:
        raise NeuroposeError(f'{path}: cannot be written ({error.strerror})') from error
