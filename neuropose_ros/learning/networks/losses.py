"""What training minimises."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neuropose_ros.learning.networks.recogniser import Output


def classification(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with label smoothing.

    Args:
        logits: (N, C), or (N, M, C) of M streams, whose losses are averaged.
        labels: (N,) indices, or (N, C) shares (mixup).
    """
    if logits.ndim < 3:
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    goal = labels[:, None].expand(-1, logits.shape[1], *labels.shape[1:])
    return functional.cross_entropy(
        logits.flatten(0, 1), goal.flatten(0, 1), label_smoothing=smoothing)


def evidence(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each label against all others, summed over the labels.

    Softmax knows only which label fits best; this also teaches how well it fits, so that an
    action outside the set finds no label that does (DOC, arXiv:1709.08716).

    Args:
        logits: (N, C), or (N, M, C) of M streams, whose losses are averaged.
        labels: (N, C) shares.
    """
    goal = labels if logits.ndim < 3 else labels[:, None].expand_as(logits)
    return functional.binary_cross_entropy_with_logits(
        logits, goal, reduction='none').sum(-1).mean()


def frame_classification(
    frame_logits: Tensor, labels: Tensor, lengths: Tensor, smoothing: float = 0.0,
    begin: float = 0.3,
) -> Tensor:
    """Cross-entropy of every tick's answer, from a share `begin` of the clip on.

    An answer at the first ticks can only be a guess: training it would teach guessing.
    """
    ticks = torch.arange(frame_logits.shape[1], device=lengths.device)[None]
    counts = ((ticks < lengths[:, None]) & (ticks >= begin * lengths[:, None])).to(
        frame_logits.dtype)
    goal = labels[:, None].expand(-1, frame_logits.shape[1], *labels.shape[1:])
    losses = functional.cross_entropy(
        frame_logits.flatten(0, 1), goal.flatten(0, 1), label_smoothing=smoothing,
        reduction='none').unflatten(0, counts.shape)
    return (losses * counts).sum() / counts.sum().clamp(min=1)


def completion(output: Output, truth: Tensor, known: Tensor, mask: Tensor) -> Tensor:
    """Distance between completed and true joints where they were hidden from the network.

    Args:
        output: of the network on keypoints with joints hidden.
        truth: (N, T, K, D) normalised as the network's input, 0 where not known.
        known: (N, T, K), 1 = truth is there.
        mask: (N, T, K), 1 = the network saw it.
    """
    return distance(output.completed, truth, known * (1 - mask))


def motion_prediction(output: Output, truth: Tensor, known: Tensor) -> Tensor:
    """Distance between all true joints and what other ticks predict (N, T, K, D)."""
    return distance(output.predicted, truth, known)


def distance(found: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """Return the mean Huber loss of (N, T, K, D) where `counts` (N, T, K) is 1; 0 if nowhere."""
    losses = functional.smooth_l1_loss(found, truth, reduction='none', beta=0.1).mean(-1)
    return (losses * counts).sum() / counts.sum().clamp(min=1)
