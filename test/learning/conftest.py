"""One thread per process: what the tests train is tiny, and threads only wait for each other."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(scope='session', autouse=True)
def one_thread() -> None:
    """Let torch compute on one core, where it is installed."""
    if importlib.util.find_spec('torch') is not None:
        import torch
        torch.set_num_threads(1)
