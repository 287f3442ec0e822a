"""Clips with detections, made up: what the tests of the refiner's data and bench read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.layouts import COCO17, JHMDB15, convert_points
from neuropose_ros.learning.refiner.pairs import Pair

ACTIONS = ('jump', 'walk')


def body(layout, size_px=100.0, middle=(160.0, 120.0)):
    """Return (K, 2) of a person with every joint at a place of its own."""
    angles = 2 * np.pi * np.arange(len(COCO17)) / len(COCO17)
    joints = np.stack((np.cos(angles), np.sin(angles)), -1) * size_px / 2 + middle
    return convert_points(joints.astype(np.float32), COCO17, layout)


def make_pair(name='walk/a', frames=30, noise_px=2.0, seed=0, shift_px=(0.0, 0.0), sure=True,
              speed_px=1.0):
    """Return a clip of somebody who moves to the right, found with noise."""
    rng = np.random.default_rng(seed)
    path = np.stack((np.arange(frames) * speed_px, np.zeros(frames)), -1)[:, None]
    truth = (body(JHMDB15) + path).astype(np.float32)
    found = body(COCO17) + path + rng.normal(0, noise_px, (frames, len(COCO17), 2))
    scores = rng.uniform(0.5, 0.9, (frames, len(COCO17)))
    return Pair(name, name.partition('/')[0], name, sure, (found + shift_px).astype(np.float32),
                scores.astype(np.float32), truth)


def write_folder(folder: Path, per_part=4, frames=24):
    """Write the files of `read_pairs` with clips of two actions; return the names."""
    (folder / 'splits').mkdir(parents=True)
    pairs = []
    for action in ACTIONS:
        lines = []
        for index in range(2 * per_part):
            file = f'film{index}_{action}_f_cm_np1_fr_med_0'
            pairs.append(make_pair(
                f'{action}/{file}', frames, seed=len(pairs), sure=index % 4 != 3,
                speed_px=1.0 + index % 3))
            lines.append(f'{file}.avi {1 + index % 2}')
        (folder / 'splits' / f'{action}_test_split1.txt').write_text('\n'.join(lines) + '\n')
    np.savez(folder / 'jhmdb14_named.npz', name=[pair.name for pair in pairs],
             offset=np.cumsum([0, *(len(pair) for pair in pairs)]),
             pos_img_est=np.concatenate([pair.truth for pair in pairs]),
             match_sure=[int(pair.sure) for pair in pairs])
    np.savez(folder / 'jhmdb928_movenet_coco17.npz', **{
        pair.name: np.concatenate((pair.found, pair.scores[..., None]), -1) for pair in pairs})
    return [pair.name for pair in pairs]
