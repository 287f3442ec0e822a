"""Pictures without labels: found, kept, and seen twice with the same spots."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.pose_training.augmentation import PLAIN
from neuropose_ros.learning.pose_training.network import PoseNetworkConfig
from neuropose_ros.learning.pose_training.views import (
    ViewMaker,
    ViewSettings,
    pictures_below,
    pictures_of_set,
    stored,
)

from .small_sets import small_set

GEOMETRY = replace(PLAIN, scale=0.3, turn_deg=40, turned=1.0, shift=0.1)
NETWORK = PoseNetworkConfig(64, 96, (8, 8, 8, 8), (1, 1, 1, 1), 8)


def slope(height: int = 240, width: int = 320) -> np.ndarray:
    """A picture whose colour says where one is."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 128)], -1).astype(np.uint8)


def test_a_point_is_the_same_spot_in_both_views() -> None:
    store = stored([slope()] * 4, ViewSettings())
    maker = ViewMaker(ViewSettings(points=40), NETWORK, GEOMETRY)
    views = maker.make(store, np.arange(4), np.random.default_rng(0))
    assert views.images.shape == (8, 96, 64, 3) and views.points.shape == (8, 40, 2)
    assert views.inside.mean() > 0.4
    both = np.concatenate((views.inside, views.inside))
    colours = np.zeros((8, 40, 3))
    for view, point in zip(*np.nonzero(both), strict=True):
        patch = cv2.getRectSubPix(
            views.images[view], (1, 1), tuple(map(float, views.points[view, point])))
        colours[view, point] = patch[0, 0]
    apart = np.abs(colours[:4] - colours[4:])[views.inside]
    assert apart.max() < 8
    assert np.abs(views.points[:4] - views.points[4:])[views.inside].mean() > 5  # but elsewhere


def test_pictures_are_made_small_and_drawn_evenly() -> None:
    pictures = [np.full((100, 400, 3), shade, np.uint8) for shade in range(0, 250, 10)]
    store = stored(pictures, ViewSettings(most=5, side_px=80))
    assert len(store) == 5 and store.picture(0).shape == (20, 80, 3)
    shades = [int(store.picture(index).mean()) for index in range(5)]
    assert shades == pytest.approx([0, 80, 120, 160, 240], abs=1)
    assert len(stored(pictures, ViewSettings(most=0))) == 25


def test_a_folder_is_searched_and_what_cannot_be_read_is_said(tmp_path) -> None:
    (tmp_path / 'deep').mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / 'deep' / f'{number}.png'), slope(64, 64))
    (tmp_path / 'torn.png').write_bytes(b'no picture')
    findings = Findings()
    assert len(pictures_below(tmp_path, ViewSettings(skipped_share=0.5), findings)) == 3
    assert [item.name for item in findings.items] == ['torn.png']
    with pytest.raises(DataError, match='1 of 4'):
        pictures_below(tmp_path, ViewSettings())
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='no video and no picture'):
        pictures_below(tmp_path / 'empty', ViewSettings())
    with pytest.raises(DataError, match='no such folder'):
        pictures_below(tmp_path / 'none', ViewSettings())
    with pytest.raises(DataError, match='no picture to learn from'):
        stored([], ViewSettings())


def test_annotated_pictures_serve_without_what_is_annotated(tmp_path) -> None:
    assert len(pictures_of_set(small_set(tmp_path, 4), ViewSettings())) == 4


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match='least_region'):
        ViewSettings(least_region=0)
    with pytest.raises(ParameterError, match='every'):
        ViewSettings(every=0)
