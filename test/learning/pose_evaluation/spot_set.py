"""Annotated pictures of spots and the network that finds them: every answer is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...pose import marker_networks as networks

SIGMA_PX = 3.0
PEOPLE = (
    ((40.3, 33.7), (52.9, 48.2), (45.2, 70.6)),
    ((130.8, 41.15), (118.4, 60.9), (141.7, 75.2)),
)
BOXES = ((20, 20, 51.2, 68.26667), (105, 25, 51.2, 68.26667))
NAMES = ('red', 'green', 'blue')


def annotation(
    number: int, picture: int, shift: Sequence[float] = (0, 0), **change: Any,
) -> dict[str, Any]:
    """One of `PEOPLE`, each joint said to be `shift` px from where it is."""
    who = number % 2
    keypoints = [value for x, y in PEOPLE[who] for value in (x + shift[0], y + shift[1], 2)]
    return {'id': number, 'image_id': picture, 'category_id': 1, 'iscrowd': 0,
            'num_keypoints': 3, 'bbox': list(BOXES[who]), 'area': 3500.0,
            'keypoints': keypoints, **change}


def write_spots(
    root: Path, people: Sequence[dict[str, Any]], pictures: int = 2,
    names: Sequence[str] = NAMES,
) -> Path:
    """Write pictures of both people, and the annotations; return the folder."""
    (root / 'images').mkdir(parents=True)
    drawn = networks.spots_picture((160, 120), PEOPLE, SIGMA_PX)
    for number in range(1, pictures + 1):
        cv2.imwrite(str(root / 'images' / f'{number}.png'), drawn)
    (root / 'spots.json').write_text(json.dumps({
        'images': [{'id': number, 'file_name': f'{number}.png', 'width': 160, 'height': 120}
                   for number in range(1, pictures + 1)],
        'annotations': list(people),
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(names)}]}))
    return root


def write_network(folder: Path) -> Path:
    """Write the network and a list of models that names it `spots`; return the list."""
    target = networks.rgb_input(96, 128)
    (folder / 'spots.onnx').write_bytes(networks.simcc_network(target, 5.6))
    path = folder / 'models.yaml'
    path.write_text(
        'spots:\n  path: spots.onnx\n  decoder: simcc\n'
        '  layout: {joints: red green blue, bones: [[red, green], [green, blue]]}\n'
        f'  input: {{width: 96, height: 128, mean: {list(networks.MEAN)}, '
        f'std: {list(networks.STD)}}}\n')
    return path


def truth_points() -> np.ndarray:
    """(2, 3, 2) px."""
    return np.array(PEOPLE, np.float32)
