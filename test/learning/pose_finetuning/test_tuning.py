"""From a network of the list to one that learnt on, exported and deployed: one command each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import DataError, ParameterError, TrainingError
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.pose_finetuning.comparison import Frames, compare_tuning, summary
from neuropose_ros.learning.pose_finetuning.fitting import fine_tune, look_of, prepare_tuning
from neuropose_ros.learning.pose_finetuning.recipe import (
    FineTuningRecipe,
    FineTuningSettings,
)
from neuropose_ros.learning.pose_finetuning.task import judge
from neuropose_ros.learning.pose_finetuning.tuned import (
    TunedPose,
    Vendor,
    load_tuned,
    save_tuned,
    vendor_named,
)
from neuropose_ros.learning.pose_training.augmentation import PLAIN
from neuropose_ros.learning.pose_training.recipe import PoseDataSettings
from neuropose_ros.pose.create import create_region_estimator
from neuropose_ros.pose.estimator import Region

from ..pose_training.small_sets import JOINTS, draw_set, small_set

SIDE, BINS = 32, 64
RECIPE = FineTuningRecipe(
    PoseDataSettings(validation_share=0.3), replace(PLAIN, shift=0.05, scale=0.05),
    FineTuningSettings(epochs=20, learning_rate=0.01, warmup_epochs=1, batch_size=8, frozen=0,
                       weight_decay=0, evaluate_every=20))


def constant(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def simcc_file(path: Path, joints: int) -> None:
    """Write a small network with SimCC's outputs, its weights random."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return (rng.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    nodes = [
        helper.make_node('Conv', ['picture', 'w1', 'b1'], ['a'], strides=[2, 2],
                         pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node('Relu', ['a'], ['b']),
        helper.make_node('Conv', ['b', 'w2', 'b2'], ['b3'], strides=[1, 1],
                         pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node('Relu', ['b3'], ['b4']),
        helper.make_node('Conv', ['b4', 'w3'], ['c'], kernel_shape=[1, 1]),
        helper.make_node('Reshape', ['c', 'flat'], ['d']),
        helper.make_node('MatMul', ['d', 'wx'], ['simcc_x']),
        helper.make_node('MatMul', ['d', 'wy'], ['simcc_y'])]
    arrays = {'w1': weights(16, 3, 3, 3), 'b1': weights(16, 1)[:, 0],
              'w2': weights(16, 16, 3, 3), 'b2': weights(16, 1)[:, 0],
              'w3': weights(joints, 16, 1, 1), 'flat': constant([0, joints, -1]),
              'wx': weights(256, BINS) / 4, 'wy': weights(256, BINS) / 4}
    graph = helper.make_graph(
        nodes, 'simcc', [helper.make_tensor_value_info('picture', TensorProto.FLOAT,
                                                       ['n', 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['n', joints, BINS])
         for name in ('simcc_x', 'simcc_y')],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()])
    path.write_bytes(helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid('', 17)]).SerializeToString())


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Return a list with a network of the drawn people's joints and one more."""
    torch.set_num_threads(1)
    names = [*JOINTS, 'tail']
    simcc_file(tmp_path / 'drawn.onnx', len(names))
    table = {'path': 'drawn.onnx', 'decoder': 'simcc', 'licence': 'Apache-2.0',
             'input': {'width': SIDE, 'height': SIDE, 'mean': [90] * 3, 'std': [60] * 3},
             'layout': {'name': 'drawn', 'joints': names, 'bones': [['head', 'tail']],
                        'mirror': [['left_hand', 'right_hand'], ['left_foot', 'right_foot']]}}
    path = tmp_path / 'models.yaml'
    path.write_text(yaml.safe_dump({'drawn': table, 'found': {**table, 'decoder': 'movenet'}}))
    return path


def test_a_network_learns_on_and_keeps_what_nobody_annotated(
    listed: Path, tmp_path: Path,
) -> None:
    vendor = vendor_named('drawn', load_registry(listed))
    learnt = prepare_tuning(RECIPE, vendor, small_set(tmp_path, 40), 0, cache=tmp_path / 'cache')
    assert learnt.held is not None
    before = judge(TunedPose(vendor), learnt.held)
    tuned = fine_tune(RECIPE, vendor, learnt, 0)
    after = judge(tuned, learnt.held)
    assert after['pck@0.2'] > before['pck@0.2'] + 0.15, (before, after)
    facts = tuned.trained_on
    assert facts['started_from'] == 'drawn' and facts['joints_not_learnt'] == []
    assert facts['validation'] == pytest.approx(after)
    save_tuned(tuned, tmp_path / 'tuned_pose.pt')
    again = load_tuned(tmp_path)
    assert again.vendor.content == tuned.vendor.content
    assert again.vendor.skeleton == vendor.skeleton
    assert again.vendor.network.input == vendor.network.input
    assert judge(again, learnt.held) == after


def test_commands_lead_to_a_model_of_the_list(
    listed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw_set(tmp_path / 'drawn', 20)
    run, model = tmp_path / 'run', tmp_path / 'clinic'
    assert main(['train', 'pose', '--model', 'drawn', '--models', str(listed), '--data',
                 str(tmp_path / 'drawn'), '--out', str(run), '--cache', str(tmp_path / 'cache'),
                 '--set', 'training.epochs=1', '--no-tensorboard', '--json']) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts['started_from'] == 'drawn' and facts['count'] == 18
    assert main(['export', str(run), str(model)]) == 0
    card = (model / 'MODEL_CARD.md').read_text()
    assert 'learnt on from the weights of drawn' in card and 'Apache-2.0' in card
    monkeypatch.setenv('NEUROPOSE_MODELS', str(tmp_path / 'mine.yaml'))
    (tmp_path / 'mine.yaml').write_text('')
    capsys.readouterr()
    assert main(['deploy', str(model), '--json']) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])['models'] == [
        'clinic', 'clinic-fp16']
    estimator = create_region_estimator('clinic', runtime='cpu', threads=1)
    [found] = estimator.estimate(
        Picture(np.full((96, 96, 3), 60, np.uint8)), [Region(np.array([20, 20, 70, 70]))])
    assert estimator.layout.names == (*JOINTS, 'tail') and found.keypoints.shape == (6, 2)


def test_a_model_made_of_parts_stays_one(listed: Path, tmp_path: Path) -> None:
    entries = load_registry()
    drawn = vendor_named('drawn', load_registry(listed))
    whole = Vendor(entries['blazepose'], entries['blazepose-landmarks'], drawn.content)
    save_tuned(TunedPose(whole), tmp_path / 'tuned_pose.pt')
    again = load_tuned(tmp_path).vendor
    assert again.entry.parts == ('blazepose-detector', 'model-landmarks')
    assert again.entry.decoder == 'blazepose' and again.skeleton == whole.skeleton
    assert again.network.input == whole.network.input


def test_what_cannot_learn_is_said(
    listed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    known = load_registry(listed)
    pictures = small_set(tmp_path, 4)
    with pytest.raises(ParameterError, match='no pose model'):
        vendor_named('nobody', known)
    with pytest.raises(TrainingError, match='the decoder movenet'):
        look_of(vendor_named('found', known), pictures.layout, PLAIN)
    other = replace(vendor_named('drawn', known), network=replace(
        known['drawn'], layout='coco17'))
    with pytest.raises(DataError, match='none of the annotated joints'):
        look_of(other, pictures.layout, PLAIN)
    assert main(['train', 'pose', '--model', 'drawn', '--weights', 'x', '--data', 'y']) == 2
    assert '--weights is for networks of ours' in capsys.readouterr().err


def test_before_and_after_are_asked_about_the_same_frames(listed: Path, tmp_path: Path) -> None:
    whole = small_set(tmp_path, 40)
    frames = Frames(whole.only(whole.pictures[:24]), whole.only(whole.pictures[24:]),
                    whole.only(whole.pictures[:8]))
    recipe = replace(RECIPE, data=PoseDataSettings(validation_share=0))
    rows = compare_tuning(recipe, 'drawn', frames, tmp_path / 'out', cache=tmp_path / 'cache',
                          registry=load_registry(listed))
    values = summary(rows)
    assert [row.name for row in rows] == ['drawn', 'drawn, 24 frames, seed 0']
    assert values['pck@0.2_gain'] > 0.05
    assert values['pck@0.2_gain'] == pytest.approx(
        rows[1].figures['pck@0.2'] - rows[0].figures['pck@0.2'])
    assert (tmp_path / 'out' / 'drawn-0' / 'tuned_pose.pt').is_file()
