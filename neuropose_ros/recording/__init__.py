"""Recorded sessions: a folder of tables that survives kill -9, and how to read it.

    from neuropose_ros.recording import open_session
    poses = open_session('walk').numpy()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuropose_ros.recording.session import Session, open_session

__all__ = ['Session', 'open_session']


def __getattr__(name: str) -> Any:
    # What reads bags or keeps subjects needs none of what a session is made of.
    if name in __all__:
        from neuropose_ros.recording import session

        return getattr(session, name)
    raise AttributeError(f'module {__name__} has no attribute {name}')
