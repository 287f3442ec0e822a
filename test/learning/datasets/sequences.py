"""Small sequence files, as the data sets that come in one file have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_sequences(path: Path, key: str, sequences: Mapping[str, np.ndarray], **columns) -> None:
    """Write sequences of (frames, ...) one after another, with their offsets and names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lengths = [len(sequence) for sequence in sequences.values()]
    np.savez(path, offset=np.cumsum([0, *lengths]), name=np.array(list(sequences)),
             **{key: np.concatenate(list(sequences.values()))}, **columns)


def points(frames: int, joints: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Return (frames, joints, dimensions) float32, none of them 0."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2, (frames, joints, dimensions)).astype(np.float32)


def touch(root: Path, *names: str) -> None:
    """Make empty files below `root`, with their folders."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
