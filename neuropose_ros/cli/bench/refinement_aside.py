"""Parts of the refinement bench that another process does meanwhile, and their printed lines."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from neuropose_ros.learning.baselines.filters import Kalman
from neuropose_ros.learning.baselines.refinement import Tuned
from neuropose_ros.learning.refiner.calibration import Calibration


class Said(NamedTuple):
    """What a part came to: its result and what it printed."""

    result: Any
    text: str


class Beaten(NamedTuple):
    """The baselines, tuned, and their figures by name; the best covariances of a Kalman filter."""

    methods: list[Tuned]
    rows: dict[str, dict[str, float]]
    kalman: Calibration


def quietly(part: Callable[..., Any], *arguments: Any) -> Said:
    """Do a part and keep what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        result = part(*arguments)
    return Said(result, text.getvalue())


def baselines(data: Path, part: str) -> Beaten:
    """Tune the baselines on the clips for training and look at the others with them."""
    from neuropose_ros.cli.bench.refinement_rows import Bed

    rows: dict[str, dict[str, float]] = {}

    def keep(name: str, row: Mapping[str, float]) -> None:
        rows[name] = dict(row)

    bed = Bed(data, part)
    methods = bed.baselines(keep)
    kalman = bed.most_likely_kalman(Kalman(0.02, 0.2, 5.0, 0.05, 3.0))
    return Beaten(methods, rows, bed.calibration_of_kalman(kalman))


def tremor(data: Path, out: Path, refiner: str) -> dict[str, Any]:
    """Measure what refinement does to tremor."""
    from neuropose_ros.cli.bench.refinement_ours import Ours
    from neuropose_ros.cli.bench.refinement_tremor import measure

    with Ours(refiner) as ours:
        return measure(data, out, ours.default_stage)


def live(data: Path, out: Path) -> dict[str, Any]:
    """Measure what feedback does."""
    from neuropose_ros.cli.bench.refinement_live import measure

    return measure(data, out)
