"""Estimators by name."""

from __future__ import annotations

from collections.abc import Callable

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.pose.estimator import PoseEstimator


def _blazepose(threads: int, smoothing: bool, tracking: bool) -> PoseEstimator:
    from neuropose_ros.inference.models import ensure_models
    from neuropose_ros.inference.onnx import OnnxRuntime
    from neuropose_ros.pose.blazepose.estimator import BlazePose

    detector, landmarks = ensure_models('blazepose-detector', 'blazepose-landmarks')
    return BlazePose(
        OnnxRuntime(detector, threads=threads), OnnxRuntime(landmarks, threads=threads),
        smoothing=smoothing, tracking=tracking)


ESTIMATORS: dict[str, Callable[[int, bool, bool], PoseEstimator]] = {'blazepose': _blazepose}


def create_estimator(
    name: str, *, threads: int = 0, smoothing: bool = True, tracking: bool = True,
) -> PoseEstimator:
    """Return an estimator, its models fetched on first use.

    Args:
        name: one of `ESTIMATORS`.
        threads: of the networks; 0 = what the machine has to spare.
        smoothing: the model's own published smoothing.
        tracking: off = every frame is a picture of its own.

    Raises:
        ParameterError: unknown name.
        ModelError: a model cannot be had or loaded.
    """
    make = ESTIMATORS.get(name)
    if make is None:
        raise ParameterError(f'unknown pose model {name!r}; known are {", ".join(ESTIMATORS)}')
    return make(threads, smoothing, tracking)
