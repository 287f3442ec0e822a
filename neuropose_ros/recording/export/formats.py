"""The formats that a session can be exported to."""

from __future__ import annotations

FORMATS = {
    'csv': 'csv', 'json': 'json', 'parquet': 'parquet', 'nwb': 'nwb',
    'bids-motion': 'bids_motion', 'dlc': 'dlc', 'sleap': 'sleap', 'trc': 'trc', 'c3d': 'c3d',
    'mcap': 'mcap',
}
"""Module of this package by the name of its format."""
