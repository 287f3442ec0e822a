"""The bench of the recogniser measures what it says."""

from __future__ import annotations

import json

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.cli.bench import action, action_cost
from neuropose_ros.cli.main import main
from neuropose_ros.core.pose import JointState
from neuropose_ros.learning.export import ExportSettings, export

from ...learning.small_networks import small_recogniser


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp('bench') / 'small'
    return export(small_recogniser(scene_size=3), target, ExportSettings(half=False)).folder


def test_the_cost_of_a_recogniser_is_printed_with_every_key(folder, capsys, monkeypatch):
    monkeypatch.setattr(action_cost, '_FRAMES', 20)
    monkeypatch.setattr(action_cost, '_ROUNDS', 3)
    assert main(['bench', 'action', '--recogniser', str(folder), '--streaming', '--json']) == 0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert tuple(values) == action.KEYS
    assert 0 < values['ms_per_person_frame'] < 50
    assert values['recompute_ratio'] > 0
    assert values['stream_vs_window_max_abs'] < 1e-4
    assert values['onnx_max_abs'] < 1e-4
    assert all(values[key] is None for key in (
        'ece', 'unknown_auroc', 'missing40_loss', 'completion_gain', 'causal_top1_drop'))


def test_without_data_there_is_no_worth(folder, capsys, monkeypatch):
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    monkeypatch.setattr(action_cost, '_FRAMES', 2)
    monkeypatch.setattr(action_cost, '_ROUNDS', 2)
    assert main(['bench', 'action', '--recogniser', str(folder)]) == 0
    assert 'no worth without data' in capsys.readouterr().out


def test_the_crowd_is_tracked_and_measured(folder):
    from neuropose_ros.action.description import read_description
    frames = list(action_cost.crowd(read_description(folder), 8, 3))
    assert [frame.frame_seq for frame in frames] == [0, 1, 2]
    for frame in frames:
        assert [person.track_id for person in frame.persons] == list(range(8))
        assert all((p.keypoint_states == JointState.MEASURED).all() for p in frame.persons)
    assert frames[1].stamp_ns - frames[0].stamp_ns == 40_000_000
