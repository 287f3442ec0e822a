"""Which joints a file of the form of COCO has: annotation tools let their users name their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import BUILT_IN, COCO17
from neuropose_ros.core.skeleton import SkeletonLayout


def joints_of(category: Mapping[str, Any] | None, name: str) -> SkeletonLayout:
    """Return the layout that a category's `keypoints` and `skeleton` describe.

    The same joints in the same order as a built-in layout are that layout. Bones count joints
    from 1; left and right are told apart by names with ``left`` and ``right`` in them.

    Args:
        category: None = the file names no joints, which means COCO's own.
        name: of a layout that is not built in.

    Raises:
        LayoutError: it contradicts itself.
        TypeError, ValueError: it is not of the form of COCO.
    """
    if category is None:
        return COCO17
    names = tuple(_word(joint) for joint in category['keypoints'])
    for known in BUILT_IN.values():
        if known.names == names:
            return known
    edges = tuple((int(a) - 1, int(b) - 1) for a, b in category.get('skeleton') or ())
    pairs = tuple(
        (i, names.index(other)) for i, joint in enumerate(names)
        if 'left' in joint and (other := joint.replace('left', 'right')) in names)
    return SkeletonLayout(name, names, edges, pairs)


def people_category(categories: Sequence[Any]) -> Mapping[str, Any] | None:
    """Return the category with joints; of several the one of people. None = there is none.

    Raises:
        LayoutError: there are several and none is called person.
    """
    found = [item for item in categories if isinstance(item, Mapping) and item.get('keypoints')]
    people = [item for item in found if str(item.get('name', '')).lower() == 'person']
    if len(found) > 1 and not people:
        known = ', '.join(str(item.get('name')) for item in found)
        raise LayoutError(f'several categories have joints ({known}) and none is called person')
    return next(iter(people or found), None)


def _word(joint: Any) -> str:
    if not isinstance(joint, str) or not joint.strip():
        raise ValueError(f'the joint {joint!r} has no name')
    return joint.strip().lower().replace(' ', '_').replace('-', '_')
