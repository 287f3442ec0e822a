"""What each further person costs, and whether looking at all of them at once saves anything.

Pictures of 1280x720 are composed of 1, 2, 4 and 8 people cut from the MPII pictures. Timed are a
whole frame of the fixed pair, detector included, and for each network that reads regions the
same regions in one call and in one call each, in turns; medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neuropose_ros.cli.bench.many_pictures import Truth
from neuropose_ros.core.pose import Frame, Image
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.estimator import PersonDetector, Region, RegionEstimator
from neuropose_ros.pose.many import ManyPeople

COUNTS = (1, 2, 4, 8)
_WIDTH, _HEIGHT, _COLUMNS, _ROWS = 1280, 720, 4, 2
_GREY = 114
# Of the box around the joints: what is cut out with it.
_ROOM = 1.5
# A body reaches beyond its joints.
_BODY_ROOM = 1.15


def run_cost(
    detector: PersonDetector, fixed: RegionEstimator,
    estimators: Mapping[str, RegionEstimator], truths: Sequence[Truth], runs: int = 5,
) -> dict[str, Any]:
    """Return ``ms_by_people`` of the fixed pair and ``cost`` of each estimator.

    Args:
        detector: of the fixed pair.
        fixed: its estimator.
        estimators: to time batched and one by one.
        truths: pictures with one person each.
        runs: of each.
    """
    pictures = {count: composed(truths, count) for count in COUNTS}
    people = ManyPeople(detector, fixed)
    frames_ms, found = {}, {}
    for count, (image, _) in pictures.items():
        def whole(image: Image = image) -> int:
            people.reset()
            return len(people.estimate(Frame(image, 1, 0)).persons)
        found[count] = whole()
        frames_ms[count] = _medians([whole], runs)[0]
    cost = {}
    for name, estimator in tqdm(estimators.items(), desc='cost', unit='network'):
        together, alone = {}, {}
        for count, (image, regions) in pictures.items():
            together[count], alone[count] = _both(estimator, image, regions, runs)
        cost[name] = {
            'batched_ms': together, 'one_by_one_ms': alone,
            'per_person_ms': increment_ms(together),
            'per_person_one_by_one_ms': increment_ms(alone),
        }
    return {
        'ms_by_people': frames_ms, 'found_by_people': found,
        'per_person_ms': increment_ms(frames_ms), 'cost': cost,
    }


def increment_ms(by_count: Mapping[int, float]) -> float:
    """Return the slope of the straight line through times by number of people."""
    counts, times = zip(*by_count.items(), strict=True)
    return float(np.polyfit(counts, times, 1)[0])


def composed(truths: Sequence[Truth], count: int) -> tuple[Image, list[Region]]:
    """Return a picture with so many people side by side, and where they are."""
    canvas: Image = np.full((_HEIGHT, _WIDTH, 3), _GREY, np.uint8)
    tile = np.array([_WIDTH // _COLUMNS, _HEIGHT // _ROWS])
    regions = []
    for place in range(count):
        truth = truths[place % len(truths)]
        row, column = divmod(place, _COLUMNS)
        box = _box(truth.keypoints[0])
        middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        size = np.array(truth.image.shape[1::-1])
        low = np.clip(middle - half * _ROOM, 0, size - 1).astype(int)
        high = np.clip(middle + half * _ROOM, low + 1, size).astype(int)
        scale = float((tile / (high - low)).min())
        part = cv2.resize(truth.image[low[1]:high[1], low[0]:high[0]], None, fx=scale, fy=scale)
        x, y = np.array([column, row]) * tile
        height, width = min(part.shape[0], int(tile[1])), min(part.shape[1], int(tile[0]))
        canvas[y:y + height, x:x + width] = part[:height, :width]
        corners = np.concatenate((middle - half * _BODY_ROOM, middle + half * _BODY_ROOM))
        regions.append(Region(
            ((corners - np.tile(low, 2)) * scale + np.tile([x, y], 2)).astype(np.float32)))
    return canvas, regions


def _box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate((np.nanmin(points, 0), np.nanmax(points, 0)))


def _both(
    estimator: RegionEstimator, image: Image, regions: Sequence[Region], runs: int,
) -> tuple[float, float]:
    """Return ms of all regions in one call, and in one call each."""
    def together() -> None:
        estimator.estimate(Picture(image), regions)

    def alone() -> None:
        picture = Picture(image)
        for region in regions:
            estimator.estimate(picture, [region])

    batched, one_by_one = _medians([together, alone], runs)
    return batched, one_by_one


def _medians(calls: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Time calls in turns, after one of each that does not count."""
    times: list[list[float]] = [[] for _ in calls]
    for run in range(runs + 1):
        for call, elapsed in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            if run:
                elapsed.append((time.perf_counter() - begin) * 1e3)
    return [statistics.median(elapsed) for elapsed in times]


def show(results: Mapping[str, Any]) -> None:
    """Print the tables."""
    def row(title: str, by_count: Mapping[int, float], slope: float) -> None:
        values = ''.join(f'{by_count[count]:9.1f}' for count in COUNTS)
        print(f'{title:58}{values}{slope:12.1f}')

    heads = ''.join(f'{count:9}' for count in COUNTS)
    print(f'{"ms by number of people":58}{heads}{"per person":>12}')
    row('whole frame, fixed pair', results['ms_by_people'], results['per_person_ms'])
    for name, cost in results['cost'].items():
        row(f'{name}, batched', cost['batched_ms'], cost['per_person_ms'])
        row(f'{name}, one by one', cost['one_by_one_ms'], cost['per_person_one_by_one_ms'])
