"""Who goes with whom at the least cost: the linear assignment problem."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def assign(costs: ArrayLike, limit: float = np.inf) -> list[tuple[int, int]]:
    """Return the pairs (row, column) with the least sum of costs, by row.

    As many rows and columns as possible are paired among those that cost less than ``limit``;
    a pair that costs more, or NaN, is none. Shortest augmenting paths (Kuhn 1955, Munkres 1957;
    in the form of Jonker and Volgenant 1987), of order rows x rows x columns.

    Args:
        costs: (R, C).
        limit: of one pair.

    Raises:
        ValueError: costs are not a matrix.
    """
    matrix = np.array(costs, np.float64)
    if matrix.ndim != 2:
        raise ValueError(f'costs must be a matrix, not of shape {matrix.shape}')
    if not matrix.size:
        return []
    allowed = matrix < limit
    known = matrix[allowed & np.isfinite(matrix)]
    if not known.size:
        return []
    # A forbidden pair costs more than all others together, so that it is the last to be taken.
    low, high = float(known.min()), float(known.max())
    forbidden = high + (high - low + 1.0) * min(matrix.shape)
    matrix = np.where(allowed & np.isfinite(matrix), matrix, forbidden)
    wide = matrix.shape[0] <= matrix.shape[1]
    rows = _rows_of_columns(matrix if wide else matrix.T)
    pairs = [(int(row), column) for column, row in enumerate(rows) if row >= 0]
    pairs = pairs if wide else [(column, row) for row, column in pairs]
    return sorted(pair for pair in pairs if allowed[pair] and matrix[pair] < forbidden)


def _rows_of_columns(matrix: Array) -> NDArray[np.intp]:
    """Return the row of each column, -1 = none; there are at least as many columns as rows."""
    rows, columns = matrix.shape
    of_row, of_column = np.zeros(rows), np.zeros(columns)
    taken_by = np.full(columns, -1)
    for start in range(rows):
        cheapest = np.full(columns, np.inf)
        before = np.full(columns, -1)
        reached = np.zeros(columns, bool)
        row, last = start, -1
        while True:
            reduced = matrix[row] - of_row[row] - of_column
            better = ~reached & (reduced < cheapest)
            cheapest[better], before[better] = reduced[better], last
            column = int(np.argmin(np.where(reached, np.inf, cheapest)))
            step = cheapest[column]
            of_row[start] += step
            of_row[taken_by[reached]] += step
            of_column[reached] -= step
            cheapest[~reached] -= step
            reached[column] = True
            last, row = column, int(taken_by[column])
            if row < 0:
                break
        while last >= 0:
            previous = int(before[last])
            taken_by[last] = taken_by[previous] if previous >= 0 else start
            last = previous
    return taken_by
