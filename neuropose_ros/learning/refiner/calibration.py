"""Whether covariances say how far off a joint is.

Coverage is the share of true joints in the ellipse that should hold 90 %; a wide enough ellipse
holds anything, so its mean area and the negative log-likelihood (NLL) are given with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
CHI2_90 = 4.605170185988091
"""Squared radius of the ellipse, in deviations, that holds 90 % of a Gaussian in the plane."""


class Calibration(NamedTuple):
    """How good the covariances of many joints are.

    Attributes:
        coverage90: share of the truth in the 90 % ellipse.
        area90: mean area of that ellipse, squared boxes.
        nll: mean, of a Gaussian, with lengths in boxes.
        described: share of the joints with a covariance.
    """

    coverage90: float
    area90: float
    nll: float
    described: float


def calibration(errors: Values, covariances: Values) -> Calibration:
    """Judge covariances.

    Args:
        errors: (N, 2) estimate minus truth, boxes.
        covariances: (N, 3) xx xy yy, squared boxes; NaN = none is given.
    """
    xx, xy, yy = np.moveaxis(np.asarray(covariances, np.float64), -1, 0)
    determinant = xx * yy - xy * xy
    given = np.isfinite(errors).all(-1) & (determinant > 0)
    x, y = np.moveaxis(np.asarray(errors, np.float64)[given], -1, 0)
    xx, xy, yy, determinant = xx[given], xy[given], yy[given], determinant[given]
    squared = (yy * x * x - 2 * xy * x * y + xx * y * y) / determinant
    return Calibration(
        float((squared <= CHI2_90).mean()),
        float((np.pi * CHI2_90 * np.sqrt(determinant)).mean()),
        float((0.5 * (squared + np.log(determinant)) + np.log(2 * np.pi)).mean()),
        float(given.mean()))


def factor_for_coverage(errors: Values, variances: Values, share: float = 0.9) -> float:
    """Return the factor on isotropic variances (N,) with which ellipses hold the share."""
    radii = (np.asarray(errors, np.float64) ** 2).sum(-1) / np.asarray(variances, np.float64)
    return float(np.quantile(radii[np.isfinite(radii)], share) / (-2 * np.log(1 - share)))
