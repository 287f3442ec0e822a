"""Small sets of annotated pictures, in the form in which annotation tools write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

JOINTS = ('head', 'left hand', 'right hand', 'left_foot', 'right_foot')
EDGES = ((1, 2), (1, 3), (1, 4), (1, 5))


def person(image: int, number: int = 1, shift: float = 0.0, **change: Any) -> dict[str, Any]:
    points = [(50, 20), (70, 40), (30, 40), (60, 90), (40, 90)]
    keypoints = [value for x, y in points for value in (x + shift, y, 2)]
    return {'id': number, 'image_id': image, 'category_id': 3, 'iscrowd': 0,
            'num_keypoints': 5, 'bbox': [25 + shift, 15, 50, 80], 'area': 4000,
            'keypoints': keypoints, **change}


def write_set(
    root: Path, people: list[dict[str, Any]], count: int = 2, joints: tuple[str, ...] = JOINTS,
) -> Path:
    """Write a set as CVAT lays it out; return its folder."""
    (root / 'annotations').mkdir(parents=True)
    (root / 'images').mkdir()
    images = []
    for number in range(1, count + 1):
        picture = np.full((120, 160, 3), 40 * number % 256, np.uint8)
        cv2.circle(picture, (50, 50), 20, (0, 0, 255), -1)
        cv2.imwrite(str(root / 'images' / f'{number}.png'), picture)
        images.append({'id': number, 'file_name': f'project-7/{number}.png', 'width': 160,
                       'height': 120})
    (root / 'annotations' / 'person_keypoints_default.json').write_text(json.dumps({
        'images': images, 'annotations': people,
        'categories': [{'id': 1, 'name': 'chair'}, {
            'id': 3, 'name': 'person', 'keypoints': list(joints), 'skeleton': EDGES}]}))
    return root
