"""Bins and cells, written out by hand."""

import numpy as np
import pytest

from neuropose_ros.pose.decoders.coordinates import heatmap_points, simcc_points, split_ratio


@pytest.mark.parametrize(('bins', 'size', 'ratio'), [
    ((384, 512), (192, 256), 2.0), ((576, 768), (288, 384), 2.0), ((192, 256), (192, 256), 1.0),
    ((512, 384), (192, 256), 0.0), ((384, 384), (192, 256), 0.0), ((96, 128), (192, 256), 0.0),
])
def test_the_ratio_follows_from_the_sizes(
    bins: tuple[int, int], size: tuple[int, int], ratio: float,
) -> None:
    assert split_ratio(*bins, *size) == ratio


def test_joints_without_a_score_are_not_found() -> None:
    places = np.array([[[7, 9], [10, 20]]], np.float32)
    scores = np.array([[0.5, 0.0]], np.float32)
    np.testing.assert_allclose(
        simcc_points(places, scores, 2.0), [[[3.5, 4.5], [np.nan, np.nan]]])
    np.testing.assert_allclose(
        heatmap_points(places, scores, np.array([0.25, 0.25])), [[[28, 36], [np.nan, np.nan]]])
