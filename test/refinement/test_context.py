"""What actions say about how lively joints are."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.action import Action
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.refinement.canonical import CORE_JOINTS
from neuropose_ros.refinement.context import CONTEXT_FILE, ActionPrior, read_context

WRIST = CORE_JOINTS.index('left_wrist')


def prior() -> ActionPrior:
    factors = np.ones((2, len(CORE_JOINTS)))
    factors[0] = 0.25
    factors[1, WRIST] = 4.0
    return ActionPrior('set@1', ('sit', 'wave'), factors)


def action(*probabilities: float, top: int = 0, unknown: float = 0.0) -> Action:
    return Action(1, 0, 0, 30, 1.0, np.array(probabilities, np.float32), top,
                  unknown_score=unknown)


def test_factors_are_the_mean_over_what_a_person_may_do() -> None:
    said = prior()(action(0.5, 0.5), COCO17.names)
    assert said[COCO17.index('left_wrist')] == pytest.approx(0.5 * 0.25 + 0.5 * 4)
    assert said[COCO17.index('right_wrist')] == pytest.approx(0.5 * 0.25 + 0.5)


def test_the_unknown_share_says_nothing() -> None:
    said = prior()(action(1.0, 0.0, unknown=0.6), COCO17.names)
    np.testing.assert_allclose(said, 1 + 0.4 * (0.25 - 1))
    np.testing.assert_allclose(prior()(action(1.0, 0.0, unknown=7.0), COCO17.names), 1)


@pytest.mark.parametrize('odd', [
    action(1.0, 0.0, top=-1), action(1.0), action(math.nan, 1.0),
    action(1.0, 0.0, unknown=math.nan)])
def test_what_cannot_be_used_says_nothing(odd: Action) -> None:
    np.testing.assert_array_equal(prior()(odd, COCO17.names), 1)


def test_joints_go_by_name_in_every_layout() -> None:
    said = prior()(action(0.0, 1.0, top=1), JHMDB15.names)
    assert said[JHMDB15.index('left_wrist')] == 4
    assert (np.delete(said, JHMDB15.index('left_wrist')) == 1).all()
    np.testing.assert_array_equal(prior()(action(1.0, 0.0), ('tail', 'fin')), 1)


def test_it_is_read_as_it_was_written() -> None:
    again = ActionPrior.from_json(prior().to_json())
    assert (again.label_set, again.labels) == ('set@1', ('sit', 'wave'))
    np.testing.assert_allclose(again.factors, prior().factors)


@pytest.mark.parametrize('change', [
    {'joints': ['tail']}, {'factors': {'sit': [1.0]}}, {'factors': {'sit': ['much'] * 19}},
    {'factors': {'sit': [0.0] * 19}}, {'factors': {'sit': [math.nan] * 19}}, {'factors': 3}])
def test_a_damaged_one_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match='action context'):
        ActionPrior.from_json(prior().to_json() | change)


def test_a_missing_part_is_named() -> None:
    with pytest.raises(ModelError, match='label_set'):
        ActionPrior.from_json({key: value for key, value in prior().to_json().items()
                               if key != 'label_set'})


def test_a_folder_may_have_one(tmp_path: Path) -> None:
    assert read_context(tmp_path) is None
    file = tmp_path / CONTEXT_FILE
    file.write_text(json.dumps(prior().to_json()))
    again = read_context(tmp_path)
    assert again is not None
    assert again.labels == ('sit', 'wave')
    for text in ('[]', '{', '{}'):
        file.write_text(text)
        with pytest.raises(ModelError, match='action context'):
            read_context(tmp_path)
