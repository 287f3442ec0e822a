"""Pictures of one labelled person, made for these tests."""

from pathlib import Path

import numpy as np

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import Image
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_robustness.shots import Shot, Take, one_person

WIDTH, HEIGHT = 160, 120


def picture(seed: int = 0) -> Image:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return np.asarray(small.repeat(8, 0).repeat(8, 1))


def truth(layout: SkeletonLayout = COCO17, group: str = 'a') -> AnnotatedPicture:
    count = len(layout)
    points = np.stack((np.linspace(60, 100, count), np.linspace(20, 100, count)), -1)
    return AnnotatedPicture(
        Path('made'), layout, points[np.newaxis].astype(np.float32), np.ones((1, count), bool),
        np.array([[56, 12, 104, 108]], np.float32), np.full(1, 4000, np.float32),
        np.full(1, np.nan, np.float32), group=group)


def shot(layout: SkeletonLayout = COCO17, group: str = 'a', seed: int = 0) -> Shot:
    return Shot(picture(seed), one_person(truth(layout, group), 0))


def take(frames: int = 1, source: str = 'frames', group: str = 'a') -> Take:
    return Take(source, tuple(shot(group=group, seed=i) for i in range(frames)),
                30.0 if frames > 1 else None)
