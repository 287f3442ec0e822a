"""Variables that keep a bench's processes out of the user's graph, and the user's out of it."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """Return this process's variables with discovery on this machine, in a domain of its own."""
    return {
        **os.environ,
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        # Below the ids whose ports Linux gives to anybody; people use the low ones by hand.
        'ROS_DOMAIN_ID': str(60 + os.getpid() % 40),
    }
