"""The parameters of the nodes that are recorded, asked of them while the recording goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python

from neuropose_ros.core.errors import SessionError
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.recording.live import LiveSession

_PERIOD_S = 1.0
_PASSWORD = re.compile(r'(?<=://)[^/@\s]*@')


class ParameterSnapshot:
    """Asks each node once per session and stores what it answers."""

    def __init__(self, node: StageNode) -> None:
        """Ask nobody yet."""
        self._node = node
        self._asked: set[str] = set()
        self._next_s = 0.0
        self._found: dict[str, dict[str, Any]] = {}

    def begin(self) -> None:
        """Ask everybody again: a new session begins."""
        self._asked.clear()
        self._found = {}
        self._next_s = 0.0

    def follow(self, names: Callable[[], set[str]], session: LiveSession) -> None:
        """Ask nodes that are new, once a second; answers come later, in the executor's thread."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _PERIOD_S
        # The recorder's own may hold the name of a person.
        for name in names() - self._asked - {self._node.get_fully_qualified_name()}:
            self._asked.add(name)
            self._ask(name, session)

    def _ask(self, name: str, session: LiveSession) -> None:
        listing = self._node.create_client(ListParameters, f'{name}/list_parameters')
        getting = self._node.create_client(GetParameters, f'{name}/get_parameters')
        if not listing.service_is_ready():
            # A node of others may have no parameters, ours is asked again when its service is up.
            self._node.destroy_client(listing)
            self._node.destroy_client(getting)
            self._asked.discard(name)
            return

        def done() -> None:
            self._node.destroy_client(listing)
            self._node.destroy_client(getting)

        def listed(future: Any) -> None:
            names = list(future.result().result.names)
            request = GetParameters.Request(names=names)
            getting.call_async(request).add_done_callback(lambda got: store(names, got))

        def store(names: list[str], future: Any) -> None:
            values = map(parameter_value_to_python, future.result().values)
            self._found[name] = {
                key: _without_password(value) for key, value in zip(names, values, strict=True)}
            try:
                session.describe(parameters=self._found)
            except SessionError as error:
                self._node.say_once('parameters', str(error))
            done()

        listing.call_async(ListParameters.Request()).add_done_callback(listed)


def _without_password(value: Any) -> Any:
    """Return a value as it may be stored: an address without who may use it."""
    return _PASSWORD.sub('', value) if isinstance(value, str) else value
