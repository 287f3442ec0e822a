"""What plots of reports share: colours that all eyes tell apart, and figures as PNG files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008, Color universal design.
BLUE, VERMILION, GREEN, PURPLE = '#0072b2', '#d55e00', '#009e73', '#cc79a7'
INK, QUIET, FAINT = '#222222', '#777777', '#cccccc'
_DPI = 110


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    memory = io.BytesIO()
    figure.savefig(memory, dpi=_DPI, format='png')
    return memory.getvalue()


def tidy(axes: Axes, grid: Literal['both', 'x', 'y'] | None = 'both') -> None:
    """Take away what carries nothing."""
    axes.spines[['top', 'right']].set_visible(False)
    if grid:
        axes.grid(alpha=0.25, axis=grid)
        axes.set_axisbelow(True)


def percent_axis(axis: Any) -> None:
    """Write a share 0..1 as per cent."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))
