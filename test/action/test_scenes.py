"""Which scene embeddings are used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.action.scenes import SceneMemory
from neuropose_ros.core.pose import SceneEmbedding

from .step_graphs import description

S = 10**9
SCENE = SceneEmbedding(10 * S, 4, 'eyes', np.ones(3, np.float32), epoch=2)


@pytest.fixture
def memory():
    return SceneMemory(description(scene_model='eyes', scene_size=3))


def test_the_last_one_is_used_until_it_is_too_old(memory):
    assert memory.at(11 * S, 5.0) is None
    assert memory.take(SCENE, 2) == ''
    assert memory.at(15 * S, 5.0) is SCENE
    assert memory.at(15 * S + 1, 5.0) is None
    assert memory.at(10 * S - 1, 5.0) is None  # of a later frame
    memory.clear()
    assert memory.at(11 * S, 5.0) is None


@pytest.mark.parametrize(('changes', 'words'), [
    ({'model': 'ears'}, 'of ears, tiny was trained with eyes'),
    ({'epoch': 1}, 'of epoch 1, the people are of 2'),
    ({'embedding': np.ones(4, np.float32)}, r'shape \(4,\), not \(3,\)'),
    ({'embedding': np.array([1, np.nan, 1], np.float32)}, 'not numbers')])
def test_what_does_not_fit_is_refused_in_one_sentence(memory, changes, words):
    memory.take(SCENE, 2)
    other = replace(SCENE, stamp_ns=11 * S, **changes)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(memory.take(other, 2))
    memory.take(other, 2)
    assert memory.refused == 1  # the same one, given again
    assert memory.at(12 * S, 5.0) is SCENE
