"""Clips made worse in a known way: only their beginning, or with joints missing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.learning.clips import Clip, ClipSet


def first_share(clips: ClipSet, share: float) -> ClipSet:
    """Return the first part of each clip, as an observer has it after that share of its frames.

    Args:
        share: above 0 up to 1; at least one frame is left.

    Raises:
        ValueError: the share is outside.
    """
    if not 0 < share <= 1:
        raise ValueError(f'a share of {share}: above 0 up to 1 is possible')
    return clips.only(tuple(_first_frames(clip, share) for clip in clips.clips))


def _first_frames(clip: Clip, share: float) -> Clip:
    frames = math.ceil(share * len(clip.times_s) - 1e-9)  # 0.25 * 20 is 5, whatever floats say
    scene, scene_times_s = clip.scene, clip.scene_times_s
    if scene is not None and scene_times_s is not None:
        seen = scene_times_s <= clip.times_s[frames - 1]
        scene, scene_times_s = scene[seen], scene_times_s[seen]
    return replace(
        clip, keypoints=clip.keypoints[:frames], times_s=clip.times_s[:frames],
        scores=None if clip.scores is None else clip.scores[:frames],
        scene=scene, scene_times_s=scene_times_s)


def without_joints(
    clips: ClipSet, share: float, seed: int = 0, burst_frames: int = 15,
) -> ClipSet:
    """Return the clips with that share of their known joints missing, in bursts.

    A burst takes one joint away for `burst_frames` frames (a shorter clip: for all of it). Bursts
    fall on joints and times at random, on top of each other too, until the share is reached; the
    last one is cut so that it is met to the joint. The same seed takes the same joints of a clip
    of that name, whatever other clips there are, and a larger share takes them as well.

    Args:
        share: 0..1 of the joints that are known.

    Raises:
        ValueError: share or length is outside.
    """
    if not 0 <= share <= 1 or burst_frames < 1:
        raise ValueError(f'a share of {share} in bursts of {burst_frames} frames is impossible')
    return clips.only(tuple(
        replace(clip, keypoints=np.where(
            burst_mask(clip, share, seed, burst_frames)[..., np.newaxis], np.float32(np.nan),
            clip.keypoints)) for clip in clips.clips))


def burst_mask(
    clip: Clip, share: float, seed: int, burst_frames: int,
) -> NDArray[np.bool_]:
    """Return (T, K): which joints `without_joints` takes away."""
    known = clip.measured
    frames, joints = known.shape
    wanted = round(share * int(known.sum()))
    random = np.random.default_rng([seed, *clip.name.encode()])
    mask = np.zeros_like(known)
    taken = 0
    while taken < wanted:
        joint = int(random.integers(joints))
        # Bursts may begin before the clip: else its ends would be spared.
        begin = int(random.integers(1 - burst_frames, frames)) if frames > burst_frames else 0
        burst = np.arange(max(begin, 0), min(begin + burst_frames, frames))
        new = burst[known[burst, joint] & ~mask[burst, joint]][:wanted - taken]
        mask[new, joint] = True
        taken += len(new)
    return mask
