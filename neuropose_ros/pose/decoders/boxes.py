"""Reading person detectors: YOLOX's head, and networks that end with their own suppression.

Boxes are x_min y_min x_max y_max in px of the crop, counted from the edge of its first pixel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats

PERSON = 0
"""The class of people in every list of classes that is made from COCO."""
STRIDES_PX = (8, 16, 32)
_LARGEST_LOG_SIDE = 12.0


@lru_cache(maxsize=8)
def yolox_cells(width: int, height: int) -> tuple[Floats, Floats]:
    """Return the cells of a YOLOX head, stride after stride, each row by row.

    Args:
        width, height: of the input, px.

    Returns:
        (A, 2) x y of the cells in cells, and (A, 1) their sides in px.
    """
    places, sides = [], []
    for stride in STRIDES_PX:
        y, x = np.mgrid[:height // stride, :width // stride]
        places.append(np.stack((x.ravel(), y.ravel()), -1))
        sides.append(np.full((x.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sides).astype(np.float32)


def yolox_boxes(
    values: Floats, width: int, height: int, least_score: float, kept_class: int = PERSON,
) -> tuple[Floats, Floats]:
    """Read the head of YOLOX (Ge et al. 2021) as its export leaves it.

    Args:
        values: (A, 5 + classes): centre within the cell and logarithm of the sides, in cells;
            probability of an object; probabilities of the classes.
        width, height: of the input, px.
        least_score: object times class; weaker cells are left out.
        kept_class: index of the class that counts as a person.

    Returns:
        (N, 4) boxes and (N,) scores, before any suppression.
    """
    scores: Floats = values[:, 4] * values[:, 5 + kept_class]
    chosen = np.flatnonzero(scores >= least_score)
    places, sides = yolox_cells(width, height)
    side = sides[chosen]
    centres = (values[chosen, :2] + places[chosen]) * side
    # No box is larger than e^12 cells; a broken network's may overflow.
    half = np.exp(np.minimum(values[chosen, 2:4], _LARGEST_LOG_SIDE)) * side / 2
    return np.concatenate((centres - half, centres + half), 1), scores[chosen]


def end_to_end_boxes(
    dets: Floats, labels: NDArray[Any] | None, least_score: float, kept_class: int = PERSON,
) -> tuple[Floats, Floats]:
    """Read a detector that ends with its own suppression, as mmdeploy exports them.

    Args:
        dets: (N, 5) x_min y_min x_max y_max score; rows may be padding (score 0).
        labels: (N,) classes; None = the network knows people alone.
        least_score: weaker ones are left out.
        kept_class: the class that counts as a person.

    Returns:
        (N, 4) boxes and (N,) scores.
    """
    chosen = dets[:, 4] >= least_score
    if labels is not None:
        chosen &= labels == kept_class
    return dets[chosen, :4], dets[chosen, 4]
