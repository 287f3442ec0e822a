"""A small set of drawn people: a body of five dots, which a tiny network learns in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from neuropose_ros.learning.datasets.picture_sets import PictureSet, read_picture_set
from neuropose_ros.learning.pose_training.augmentation import PLAIN
from neuropose_ros.learning.pose_training.network import PoseNetworkConfig
from neuropose_ros.learning.pose_training.recipe import (
    PoseDataSettings,
    PoseRecipe,
    PoseTrainingSettings,
)

JOINTS = ('head', 'left_hand', 'right_hand', 'left_foot', 'right_foot')
COLOURS = ((255, 255, 255), (0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255))
TINY = PoseNetworkConfig(32, 32, (8, 8, 16, 16), (1, 1, 1, 1), 16, closeness_px=4)
RECIPE = PoseRecipe(
    PoseDataSettings(validation_share=0.2, padding=1.25),
    replace(PLAIN, shift=0.1, scale=0.1), TINY, training=PoseTrainingSettings(
        epochs=4, learning_rate=0.01, warmup_epochs=0.5, batch_size=8, weight_decay=0.0))


def draw_set(root: Path, count: int = 20, seed: int = 0) -> Path:
    """Write pictures with one person each, and their annotations in COCO's form."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True)
    images, people = [], []
    for number in range(1, count + 1):
        picture = np.full((96, 96, 3), 60, np.uint8)
        centre, size = rng.uniform(40, 56, 2), rng.uniform(20, 28)
        points = centre + size * (np.array(
            [(0, -1), (0.7, 0), (-0.7, 0), (0.4, 1), (-0.4, 1)]) + rng.normal(0, 0.08, (5, 2)))
        for point, colour in zip(points, COLOURS, strict=True):
            cv2.circle(picture, tuple(np.round(point).astype(int).tolist()), 5, colour, -1)
        cv2.imwrite(str(root / f'{number}.png'), picture)
        low, high = points.min(0) - 5, points.max(0) + 5
        images.append({'id': number, 'file_name': f'{number}.png', 'width': 96, 'height': 96})
        people.append({
            'id': number, 'image_id': number, 'category_id': 1, 'iscrowd': 0,
            'bbox': [*low.tolist(), *(high - low).tolist()], 'area': 1.0, 'num_keypoints': 5,
            'keypoints': [value for x, y in points for value in (float(x), float(y), 2)]})
    (root / 'annotations.json').write_text(json.dumps({
        'images': images, 'annotations': people, 'categories': [
            {'id': 1, 'name': 'person', 'keypoints': JOINTS, 'skeleton': [[1, 2], [1, 3]]}]}))
    return root


def small_set(root: Path, count: int = 20) -> PictureSet:
    return read_picture_set('', draw_set(root / 'set', count))
