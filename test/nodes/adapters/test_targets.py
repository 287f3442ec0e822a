"""Whether others' messages are installed."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.nodes.adapters.targets import TARGETS, Messages, require


def test_missing_messages_are_named_as_apt_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    missing = Messages('nobodys_msgs', 'github.com/nobody/nobodys_msgs', 'nobody')
    with pytest.raises(ParameterError) as refused:
        require('nobody', missing)
    sentence = str(refused.value)
    assert 'apt install ros-jazzy-nobodys-msgs' in sentence
    assert 'github.com/nobody/nobodys_msgs' in sentence
    assert '\n' not in sentence


def test_what_is_installed_is_taken() -> None:
    require('standard', Messages('std_msgs', '', ''))
    assert {messages.module for messages in TARGETS.values()} == {'humans', 'vision', 'yolo'}
