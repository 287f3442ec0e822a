"""Exported recognisers answer as the trained ones, or are not written."""

from __future__ import annotations

import re

import pytest

pytest.importorskip('torch', reason='needs torch')

import numpy as np
import torch

from neuropose_ros.action.description import read_description
from neuropose_ros.action.normalisation import normalise
from neuropose_ros.action.recogniser import check_file, load_recogniser, softmax
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.learning import export as exporting
from neuropose_ros.learning import parity
from neuropose_ros.learning.export import HALF_TOLERANCE, TOLERANCE, ExportSettings, export
from neuropose_ros.learning.onnx_files import step_network
from neuropose_ros.learning.weights import load_recogniser as load_weights
from neuropose_ros.learning.weights import save_recogniser

from .small_networks import LABELS, small_network, small_recogniser


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """A causal recogniser with a scene, exported with everything."""
    folder = tmp_path_factory.mktemp('export') / 'three'
    return export(small_recogniser(scene_size=4), folder)


@pytest.fixture(scope='module')
def poses_only(tmp_path_factory):
    folder = tmp_path_factory.mktemp('export') / 'poses'
    return export(small_recogniser(), folder, ExportSettings(half=False))


def test_all_networks_are_there_and_agree(exported):
    assert set(exported.parity) == {
        'step.onnx', 'stream', 'step_fp16.onnx', 'clip.onnx', 'clip_fp16.onnx'}
    for name, difference in exported.parity.items():
        assert difference <= (HALF_TOLERANCE if 'fp16' in name else TOLERANCE)
    assert {path.name for path in exported.folder.iterdir()} == {
        'recogniser.json', 'recogniser.pt', 'MODEL_CARD.md', *exported.description.networks}


def test_the_folder_describes_itself(exported):
    description = read_description(exported.folder)
    assert description == exported.description
    assert description.labels == LABELS
    assert (description.rate_hz, description.scene_model, description.scene_size) == (
        25, 'eyes', 4)
    assert description.window_s == pytest.approx(12 / 25)
    assert description.decision_delay_s == pytest.approx(11 / 25 / 2)
    for name in description.networks:
        check_file(exported.folder / name, description)
    card = (exported.folder / 'MODEL_CARD.md').read_text()
    for words in ('run, sit, wave', 'random walks', '| top1 | 0.3333 |', 'Terms of the data: none',
                  '4 values of eyes', 'jhmdb15'):
        assert words in card


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_the_step_runs_as_a_recogniser(exported, precision):
    recogniser = load_recogniser(exported.folder, precision=precision, announce=lambda _: None)
    step = recogniser.step(
        np.zeros((8, 15, 2), np.float32), np.ones((8, 15), np.float32),
        recogniser.initial_states(8), np.ones(4, np.float32))
    assert step.probabilities.shape == (8, 3)
    assert step.attention is not None
    assert step.attention.shape == (8, 15)


def test_a_stream_of_frames_is_the_network_on_the_whole_clip(poses_only):
    """Pixels in, probabilities out: what was trained is what runs."""
    rng = np.random.default_rng(4)
    clip = np.cumsum(rng.normal(0, 3, (20, 15, 2)), 0).astype(np.float32) + 200
    clip[rng.random((20, 15)) < 0.2] = np.nan
    points, mask = normalise(
        clip, JHMDB15, small_recogniser().recipe.sampling.normalisation)
    with torch.no_grad():
        found = small_network()(
            torch.from_numpy(points[None]), torch.from_numpy(mask[None]), torch.tensor([20]))
    stage = ActionStage(load_recogniser(poses_only.folder, announce=lambda _: None))
    for tick, joints in enumerate(clip):
        measured = np.isfinite(joints).all(-1)
        states = np.where(measured, JointState.MEASURED, JointState.MISSING).astype(np.uint8)
        person = PersonPose(joints, np.ones(15, np.float32), states, np.zeros(4, np.float32),
                            track_id=5)
        answer = stage.process(PoseFrame(
            10**9 + tick * 40_000_000, tick, JHMDB15.id, 640, 480, status=FrameStatus.OK,
            persons=(person,)))
        (action,) = answer.actions
        np.testing.assert_allclose(
            action.probabilities, softmax(found.frame_logits[0, tick].numpy()), atol=1e-4)
    assert action.unknown_score == pytest.approx(float(found.unknown[0]), abs=1e-4)
    assert action.probabilities.max() > 0.5  # the answer says something at all


def test_other_weights_are_found_out(poses_only):
    other = small_network(seed=2)
    for name, difference in (('step.onnx', parity.step_difference),
                             ('clip.onnx', parity.clip_difference)):
        runtime = OnnxRuntime(poses_only.folder / name, threads=1)
        assert difference(other, runtime).relative > 0.01
    step = OnnxRuntime(poses_only.folder / 'step.onnx', threads=1)
    assert parity.stream_difference(other, step).relative > 0.01
    assert parity.stream_difference(small_network(), step).absolute < 1e-5


def test_a_network_that_differs_is_not_written(tmp_path, monkeypatch):
    """One that answers otherwise is written in the place of the right one."""
    other = step_network(small_network(seed=2))
    monkeypatch.setattr(exporting, 'step_network', lambda _: other)
    (tmp_path / 'three').mkdir()
    with pytest.raises(ModelError, match=r'step\.onnx differs from the trained network by'):
        export(small_recogniser(), tmp_path / 'three')
    assert list(tmp_path.rglob('*')) == [tmp_path / 'three']


def test_sharp_calibration_is_no_difference(tmp_path):
    trained = small_recogniser()
    trained.network.head.temperature.fill_(1e-3)
    done = export(trained, tmp_path / 'sharp', ExportSettings(half=False))
    assert done.parity['step.onnx'] > TOLERANCE  # of logits in the thousands


def test_a_network_for_whole_clips_has_no_step(tmp_path):
    done = export(small_recogniser(causal=False), tmp_path / 'whole')
    assert set(done.parity) == {'clip.onnx', 'clip_fp16.onnx'}
    assert 'whole clips only' in (done.folder / 'MODEL_CARD.md').read_text()
    with pytest.raises(ModelError, match=r'has no step\.onnx'):
        load_recogniser(done.folder)


@pytest.mark.parametrize('parts', [
    {'summary': 8}, {'streams': 2, 'stretched': 1, 'summary': 8, 'scene_size': 4}])
def test_streams_that_see_the_whole_clip_are_written_too(tmp_path, parts):
    """Parity is asked of other numbers of clips, ticks and scenes than it was traced with."""
    done = export(small_recogniser(causal=False, **parts), tmp_path / 'whole',
                  ExportSettings(half=False))
    assert done.parity['clip.onnx'] <= TOLERANCE


def test_scene_vectors_of_an_unnamed_encoder_are_refused(tmp_path):
    trained = small_recogniser(scene_size=4)
    unnamed = type(trained)(trained.network, trained.recipe, trained.labels)
    with pytest.raises(ParameterError, match='scene_model is missing'):
        export(unnamed, tmp_path / 'three')


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(ModelError, match='not empty and no recogniser'):
        export(small_recogniser(), tmp_path)
    assert (tmp_path / 'notes.txt').read_text() == 'mine'


def test_the_commands_export_and_deploy(tmp_path, monkeypatch, capsys):
    weights, folder = tmp_path / 'trained' / 'recogniser.pt', tmp_path / 'exported'
    save_recogniser(small_recogniser(), weights)
    for _ in range(2):  # the second replaces the first
        assert main(['export', str(weights.parent), str(folder), '--set', 'half=false',
                     '--set', 'name=mine', '--json']) == 0
    assert '"stream": ' in capsys.readouterr().out
    assert load_weights(folder).labels == LABELS
    monkeypatch.setenv('NEUROPOSE_RECOGNISERS', str(tmp_path / 'place'))
    assert main(['deploy', str(folder)]) == 0
    assert 'recogniser:=mine\n' in capsys.readouterr().out
    assert (tmp_path / 'place' / 'mine' / 'step.onnx').is_file()
    assert main(['deploy', str(folder)]) == 2
    said = capsys.readouterr().err
    assert 'one of that name already' in said
    hints = [f'--set {words}' for words in re.findall(r'--set (\w+=\w+)', said)]
    assert hints == ['--set replace=true', '--set name=NAME']
    for hint, name in zip(hints, ('mine', 'NAME'), strict=True):  # they do what they promise
        assert main(['deploy', str(folder), *hint.split()]) == 0
        assert (tmp_path / 'place' / name / 'step.onnx').is_file()
    capsys.readouterr()
    assert main(['export', str(tmp_path / 'none'), str(folder)]) == 2
    assert main(['export', str(weights), str(folder), '--set', 'halve=1']) == 2
    assert 'halve is not known; half is' in capsys.readouterr().err
