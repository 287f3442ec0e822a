"""Reading top-down networks: coordinate classifications (SimCC) and heat maps.

Points are px of the crop, counted from the centre of its first pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats


def split_ratio(
    bins_x: int, bins_y: int, width: int, height: int,
) -> float:
    """Return how many bins a pixel has (RTMPose: 2); 0 if the sizes fit no whole picture."""
    fits = bins_x * height == bins_y * width and bins_x >= width
    return bins_x / width if fits else 0.0


def simcc_points(bins: Floats, scores: Floats, ratio: float) -> Floats:
    """Return the (N, K, 2) points of coordinate classifications (Li et al. 2022).

    Bin i stands for pixel i / ratio. There is no refinement between bins (DARK), as RTMPose is
    published.

    Args:
        bins: (N, K, 2) the best bins, from `DeviceOps.simcc`.
        scores: (N, K); a joint without a positive score was not found and is NaN.
        ratio: bins per pixel.
    """
    found = (scores > 0)[..., np.newaxis]
    points: Floats = np.where(found, bins / np.float32(ratio), np.float32(np.nan))
    return points


def heatmap_points(
    cells: Floats, scores: Floats, cells_per_px: NDArray[np.float64],
) -> Floats:
    """Return the (N, K, 2) points of heat maps (Xiao et al. 2018).

    Cell i stands for pixel i / cells_per_px: that is how the maps are drawn in training (mmpose's
    MSRAHeatmap), not as if the map were a resized picture.

    Args:
        cells: (N, K, 2) the peaks, from `DeviceOps.heatmaps`.
        scores: (N, K); a joint without a positive score was not found and is NaN.
        cells_per_px: (2,) sizes of the map over those of the input.
    """
    found = (scores > 0)[..., np.newaxis]
    points: Floats = np.where(found, cells / cells_per_px, np.nan).astype(np.float32)
    return points
