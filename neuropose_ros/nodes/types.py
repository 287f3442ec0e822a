"""The message classes of this ROS installation, for `core.wire`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from neuropose_ros.core.wire import MessageTypes


@cache
def _find(name: str) -> Any:
    package, kind, message = name.split('/')
    return getattr(import_module(f'{package}.{kind}'), message)


ROS = MessageTypes(find=_find)
