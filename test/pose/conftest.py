"""What the tests of this folder share: the published networks, where they can be had."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.models import ensure_models


@pytest.fixture(scope='session')
def blazepose_models() -> None:
    """The networks are in the cache; the test is skipped where they cannot be fetched."""
    try:
        ensure_models('blazepose-detector', 'blazepose-landmarks')
    except ModelError as error:
        if 'cannot be fetched' not in str(error):
            raise
        pytest.skip(f'needs the published networks: {error}')
