"""The layouts that messages name: built in, or published on ``layouts``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuropose_ros.core import wire
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.msg import SkeletonLayout as SkeletonLayoutMessage
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input


class LayoutInput:
    """Reads ``layouts``; only foreign ones need the topic, built-in ids resolve without it."""

    def __init__(self, node: StageNode) -> None:
        """Prepare to read; nothing is subscribed before `want`."""
        self._node = node
        self._known: dict[str, SkeletonLayout] = {}
        self._input: Input[Any] = Input(
            node, 'layouts', SkeletonLayoutMessage, qos.latched(), self._on_layout)

    def want(self, wanted: bool) -> None:
        """Open or close as demand says; call it regularly."""
        self._input.want(wanted)

    def _on_layout(self, message: Any) -> None:
        try:
            found = wire.layout_from_message(message)
        except (LayoutError, ValueError) as error:
            self._node.say_once(
                f'layout{message.id}', f'layouts: {message.id} is not usable: {error}')
            return
        self._known[message.id] = found

    def find(self, name: str, purpose: str) -> SkeletonLayout | None:
        """Return a layout; None, and one sentence in the log, where it is not known.

        Args:
            name: its id.
            purpose: what there is not without it, as ``no markers``.
        """
        found = self._known.get(name)
        if found is None:
            try:
                found = self._known[name] = layout(name)
            except LayoutError:
                self._node.say_once(f'unknown{name}', f'{purpose}: layout {name} is not known; '
                                    'its publisher must publish it on layouts')
        return found

    def finder(self, purpose: str) -> Callable[[str], SkeletonLayout]:
        """Return `find` for stages: it raises LayoutError where a layout is not known."""
        def find(name: str) -> SkeletonLayout:
            found = self.find(name, purpose)
            if found is None:
                raise LayoutError(f'layout {name} is not known')
            return found

        return find
