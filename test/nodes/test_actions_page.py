"""The page of actions says what there is, and its example holds."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.action.reasons import MEANINGS


@pytest.fixture(scope='module')
def page() -> str:
    return (Path(__file__).parents[2] / 'docs' / 'actions.md').read_text(encoding='utf-8')


def test_every_reason_stands_there_with_its_meaning(page: str) -> None:
    table = page.partition('| `reason` | meaning |')[2].partition('\n\n')[0]
    assert dict(re.findall(r'^\| `(\w+)` \| (.*) \|$', table, re.M)) == MEANINGS


def test_the_fields_exist(page: str) -> None:
    pytest.importorskip('rclpy', reason='needs ROS 2')
    from neuropose_ros.msg import Action

    table = page.partition('| field | what it says |')[2].partition('\n\n')[0]
    named = {field for row in table.splitlines() for field in re.findall(
        r'`(\w+)`', row.split('|')[1] if '|' in row else '')}
    assert named == set(Action.get_fields_and_field_types()) - {'track_id'}


def test_the_example_acts_on_good_evidence_alone(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ros_domain: int,
) -> None:
    rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
    from neuropose_ros.msg import Action, ActionArray
    from rclpy.duration import Duration

    monkeypatch.setenv('ROS_DOMAIN_ID', str(ros_domain))
    example = re.search(r'```python\n(.*?)```', page, re.S)
    assert example is not None
    path = tmp_path / 'robot.py'
    path.write_text(example.group(1))
    monkeypatch.setattr(rclpy, 'spin', lambda node: None)
    robot = runpy.run_path(str(path))
    names = robot['take'].__globals__  # what the functions see, also after they assign to it

    def decide(*others: Action, age_s: float = 0.0, silent_s: float = 0.0, **changes: Any) -> Any:
        action = Action(**{
            'top_label': 'walk', 'top_index': 0, 'coverage': 0.9, 'probabilities': [0.8, 0.2],
            **changes})
        end = names['node'].get_clock().now() - Duration(seconds=age_s)
        action.window_end = end.to_msg()
        message = ActionArray(actions=[action, *others])
        message.header.stamp = action.window_end
        names['newest'] = None
        names['take'](message)
        names['arrived_s'] -= silent_s
        return names['decide']()

    try:
        assert names['decide']() is None
        assert decide() == 'walk'
        assert decide(age_s=5.0) is None
        assert decide(age_s=-5.0) is None
        assert decide(silent_s=5.0) is None
        assert decide(coverage=0.5) is None
        assert decide(coverage=float('nan')) is None
        assert decide(probabilities=[0.4, 0.6]) is None
        assert decide(reason='too_short', top_index=-1) is None
        assert decide(top_index=2) is None
        assert decide(Action()) is None
        assert decide(reason='too_short', top_index=-1) is None
        later = names['newest']
        assert decide(age_s=0.1) == 'walk'
        earlier = names['newest']
        names['take'](later)
        names['take'](earlier)
        assert names['decide']() is None  # overtaken
        names['arrived_s'] -= 5.0
        names['take'](later)
        assert names['silent']()  # repeated
        names['take'](earlier)
        assert names['decide']() == 'walk'  # after a silence time may begin anew
    finally:
        names['node'].destroy_node()
        rclpy.try_shutdown()
