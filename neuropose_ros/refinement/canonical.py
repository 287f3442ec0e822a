"""The joints that the refiner's network knows, by name: layouts differ, knees do not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CORE_JOINTS = (
    'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'left_shoulder', 'right_shoulder',
    'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hip', 'right_hip',
    'left_knee', 'right_knee', 'left_ankle', 'right_ankle', 'neck', 'belly')
"""Those of COCO, and two of the trunk that other layouts have."""

# The same place under the names of other layouts; the first that a layout has is taken.
_ALIASES = {'nose': ('face',), 'neck': ('neck_base', 'thorax'), 'belly': ('spine',)}
_NOWHERE = -1
_OTHER_SIDE = {'left': 'right', 'right': 'left'}


@lru_cache(maxsize=32)
def core_columns(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return (C,): where each of `CORE_JOINTS` is among the joints of a layout; -1 = nowhere."""
    columns = np.full(len(CORE_JOINTS), _NOWHERE, np.intp)
    for core, name in enumerate(CORE_JOINTS):
        for known in (name, *_ALIASES.get(name, ())):
            if known in names:
                columns[core] = names.index(known)
                break
    return columns


def mirrored_core() -> NDArray[np.intp]:
    """Return (C,): each core joint's index on the other side of the body."""
    def other(name: str) -> str:
        side, _, rest = name.partition('_')
        return f'{_OTHER_SIDE[side]}_{rest}' if rest else name
    return np.array([CORE_JOINTS.index(other(name)) for name in CORE_JOINTS])
