"""Message types for bags, from the installed definitions: no ROS and no workspace are needed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.resources import message_folder
from neuropose_ros.core.wire import MessageTypes

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

PACKAGE = 'neuropose_ros/msg/'
MISSING_ROSBAGS = 'reading and writing bags needs the package rosbags: pip install rosbags'


@cache
def own_types() -> Typestore:
    """Return the standard messages and those of this version of the package.

    Raises:
        DataError: the package rosbags is not there.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError as error:
        raise DataError(MISSING_ROSBAGS) from error
    store = get_typestore(Stores.ROS2_JAZZY)
    folder = message_folder()
    for file in folder.glob('*.msg') if folder is not None else ():
        store.register(get_types_from_msg(file.read_text('utf-8'), f'{PACKAGE}{file.stem}'))
    return cast('Typestore', store)


def message_types(store: Typestore | None = None) -> MessageTypes:
    """Return what `core.wire` makes messages of that rosbags can write.

    Args:
        store: None = `own_types`.
    """
    return MessageTypes((store or own_types()).types.__getitem__, numpy_sequences=True)
