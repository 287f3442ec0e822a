"""What the tests of the TensorRT runtime share."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from . import standin


@pytest.fixture(params=standin.VERSIONS)
def trt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in for each version, found by ``import tensorrt``."""
    module = standin.make(request.param)
    monkeypatch.setitem(sys.modules, 'tensorrt', module)
    return module


@pytest.fixture
def trt_now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in for one version, where the versions do not differ."""
    module = standin.make('10.13.3')
    monkeypatch.setitem(sys.modules, 'tensorrt', module)
    return module
