from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuropose_ros.cli import main
from neuropose_ros.cli.bench import messages_worker as worker
from neuropose_ros.cli.bench import nested_messages
from neuropose_ros.core.errors import NeuroposeError

pytest.importorskip('rclpy', reason='needs ROS 2')


def test_a_round_trip_gives_what_went_in_and_times_each_step() -> None:
    frame = worker.people(3)
    out, steps_ms = worker.round_trip(worker.Flat(), frame)
    worker.check(frame, out)
    assert len(steps_ms) == len(worker.STEPS)
    assert all(0.0 < ms < 1000.0 for ms in steps_ms)


def test_what_comes_out_is_looked_at() -> None:
    frame = worker.people(2)
    out, _ = worker.round_trip(worker.Flat(), worker.people(2))
    out.persons[1].keypoints[5, 0] += 1.0
    with pytest.raises(AssertionError):
        worker.check(frame, out)


def test_without_a_compiler_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path))
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(NeuroposeError, match='cmake is not installed'):
        nested_messages.environment()


@pytest.mark.slow
def test_flat_is_faster_than_nested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path))
    main.main(['bench', 'messages', '--rounds', '50', '--json'])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures['nested_ratio'] > 3.0
    assert figures['lean_ratio'] > 1.5
    assert figures['person_array_ms'] == pytest.approx(
        sum(figures['steps']['person_array'].values()), rel=0.3)
