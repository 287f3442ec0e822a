"""The formats that poses of other tools can be imported from."""

from __future__ import annotations

FORMATS = ('dlc', 'sleap', 'openpose', 'coco', 'pyskl', 'nwb', 'trc', 'c3d')
"""Each is a module of this package."""
