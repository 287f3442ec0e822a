"""What a network makes of single clips, for people to look at."""

from __future__ import annotations

import numpy as np
import torch

from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.examples import Explain, Trace
from neuropose_ros.learning.networks.recogniser import Recogniser
from neuropose_ros.learning.sampling import Sampler, SamplingConfig
from neuropose_ros.learning.training.recognition import moved, run


def explainer(network: Recogniser, config: SamplingConfig) -> Explain:
    """Return the function that traces clips through a network, as it is, without other views."""
    def explain(clips: ClipSet) -> list[Trace]:
        device = next(network.parameters()).device
        network.eval()
        traces = []
        with torch.inference_mode():
            for batch in Sampler(clips, config).ordered():
                output = run(network, moved(batch, device))
                parts = [value.float().cpu().numpy() for value in (
                    batch.keypoints, batch.mask, output.completed, output.attention,
                    output.error)]
                traces += [_trace(*(part[n, :ticks] for part in parts))
                           for n, ticks in enumerate(batch.lengths.tolist())]
        return traces
    return explain


def _trace(
    keypoints: np.ndarray, mask: np.ndarray, completed: np.ndarray, attention: np.ndarray,
    error: np.ndarray,
) -> Trace:
    missing = mask <= 0
    return Trace(
        np.where(missing[..., None], np.nan, keypoints), completed, attention,
        np.where(missing, np.nan, error))
