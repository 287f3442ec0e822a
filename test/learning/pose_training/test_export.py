"""From weights to a model that the nodes run: one command each."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch
import yaml

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.config import to_table
from neuropose_ros.learning.deploy import DeploySettings
from neuropose_ros.learning.pose_training.deploy import deploy_pose
from neuropose_ros.learning.pose_training.export import PoseExportSettings, export_pose
from neuropose_ros.learning.pose_training.fitting import prepare, train_pose
from neuropose_ros.learning.pose_training.samples import draw
from neuropose_ros.learning.pose_training.variants import Variant, int8_worth
from neuropose_ros.pose.create import create_region_estimator
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.exposure import create_exposure
from neuropose_ros.sources.folder import read_picture

from .small_sets import RECIPE, draw_set, small_set


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp('drawn')
    pictures = small_set(root, 80)
    recipe = replace(RECIPE, data=replace(RECIPE.data, validation_share=0.3),
                     training=replace(RECIPE.training, epochs=25))
    learnt = prepare(recipe, pictures, 0, cache=root / 'cache')
    return train_pose(recipe, learnt, 0), draw(recipe, learnt.train, learnt.held), pictures


@pytest.fixture
def own_list(tmp_path, monkeypatch):
    path = tmp_path / 'lists' / 'models.yaml'
    path.parent.mkdir()
    path.write_text('# mine\n')
    monkeypatch.setenv('NEUROPOSE_MODELS', str(path))
    return path


def test_all_variants_find_the_joints(trained, tmp_path):
    network, samples, _ = trained
    done = export_pose(network, tmp_path / 'dots', samples=samples)
    assert [variant.file for variant in done.variants] == [
        'model.onnx', 'model_fp16.onnx', 'model_int8.onnx']
    whole, half, small = done.variants
    assert whole.parity < 1e-3 and whole.pck[0.2] > 0.8
    assert abs(half.pck[0.1] - whole.pck[0.1]) < 0.02
    assert small.pck[0.2] > whole.pck[0.2] - 0.1
    assert 1e-4 < small.parity < 0.5
    assert b'QuantizeLinear' in (tmp_path / 'dots' / small.file).read_bytes()
    card = (tmp_path / 'dots' / 'MODEL_CARD.md').read_text()
    assert 'model_int8.onnx' in card and 'held back from training' in card
    assert done.curve.joints == 120 and 'A score is the chance' in card
    # Both judge each half of the people by the curve of the other.
    assert whole.ece == pytest.approx(done.curve.ece, abs=0.01)
    assert f'{done.curve.ece:.3f}' in card
    entry = yaml.safe_load((tmp_path / 'dots' / 'entry.yaml').read_text())['dots']
    assert entry['options']['least_joint_score'] == 0.5  # of chances
    assert network.recipe.augmentation.dark == 0 and 'dark_below' not in entry['options']
    assert str(int8_worth(done.variants)) in card
    assert not list((tmp_path / 'dots').glob('samples*'))


def test_a_deployed_model_is_found_by_name_and_finds_people(trained, tmp_path, own_list):
    network, samples, pictures = trained
    export_pose(network, tmp_path / 'dots', PoseExportSettings(half=False), samples)
    assert deploy_pose(tmp_path / 'dots') == ('dots', 'dots-int8')
    text = own_list.read_text()
    assert text.startswith('# mine\n')
    assert yaml.safe_load(text)['dots']['path'] == 'models/dots/model.onnx'
    estimator = create_region_estimator('dots', runtime='cpu', threads=1, announce=lambda _: None)
    picture = pictures.pictures[0]
    person, = estimator.estimate(
        Picture(read_picture(picture.path)), [Region(picture.boxes[0])])
    estimator.close()
    assert estimator.layout.names == pictures.layout.names
    assert np.linalg.norm(person.keypoints - picture.keypoints[0], axis=-1).mean() < 8
    assert (person.keypoint_scores <= 1).all() and person.keypoint_scores.mean() > 0.3


def test_a_name_is_taken_once_unless_it_is_to_be_replaced(trained, tmp_path, own_list):
    network, samples, _ = trained
    export_pose(network, tmp_path / 'dots', PoseExportSettings(half=False, int8=False), samples)
    deploy_pose(tmp_path / 'dots')
    with pytest.raises(ModelError, match='deployed already'):
        deploy_pose(tmp_path / 'dots')
    with pytest.raises(ModelError, match='already'):
        deploy_pose(tmp_path / 'dots', DeploySettings(name='blazepose'))
    before = own_list.read_text()
    deploy_pose(tmp_path / 'dots', DeploySettings(replace=True))
    assert own_list.read_text() == before
    assert deploy_pose(tmp_path / 'dots', DeploySettings(name='others')) == ('others',)
    assert {'dots', 'others'} <= set(load_registry())


def test_a_damaged_model_is_not_deployed(trained, tmp_path, own_list):
    network, samples, _ = trained
    export_pose(network, tmp_path / 'dots', PoseExportSettings(half=False, int8=False), samples)
    (tmp_path / 'dots' / 'model.onnx').write_bytes(b'broken')
    with pytest.raises(ModelError, match='sha256'):
        deploy_pose(tmp_path / 'dots')
    assert own_list.read_text() == '# mine\n'
    assert not (own_list.parent / 'models').exists()


def test_nothing_else_is_written_over(trained, tmp_path):
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'text.md').write_text('mine')
    with pytest.raises(ModelError, match='nothing is replaced'):
        export_pose(trained[0], tmp_path / 'thesis')
    with pytest.raises(ParameterError, match='name is'):
        export_pose(trained[0], tmp_path / 'a name')


def test_a_network_without_numbers_is_not_exported(trained, tmp_path):
    broken = copy.deepcopy(trained[0])
    with torch.no_grad():
        broken.network.x.weight.fill_(float('nan'))
    with pytest.raises(ModelError, match='no numbers'):
        export_pose(broken, tmp_path / 'dots', samples=trained[1])
    assert not (tmp_path / 'dots').exists()


def test_without_samples_there_is_no_int8(trained, tmp_path):
    said: list[str] = []
    done = export_pose(trained[0], tmp_path / 'dots', announce=said.append)
    assert [variant.file for variant in done.variants] == ['model.onnx', 'model_fp16.onnx']
    assert 'not calibrated' in said[0] and 'no int8' in said[1]
    entry = yaml.safe_load((tmp_path / 'dots' / 'entry.yaml').read_text())['dots']
    assert entry['options']['least_joint_score'] == 0.3  # of probability near the answer


def test_dark_pictures_are_brightened_for_who_learnt_with_some(trained, tmp_path):
    recipe = trained[0].recipe
    keen = replace(trained[0], recipe=replace(
        recipe, augmentation=replace(recipe.augmentation, dark=0.1)))
    export_pose(keen, tmp_path / 'dots', announce=lambda _: None)
    entries = load_registry(tmp_path / 'dots' / 'entry.yaml')
    assert [entries[name].options['dark_below'] for name in ('dots', 'dots-fp16')] == [100, 100]
    exposure = create_exposure('auto', 'dots', entries)
    assert exposure is not None
    dark = np.full((8, 8, 3), 20, np.uint8)
    assert exposure.correct(dark).mean() > 100


def test_int8_is_worth_it_where_it_loses_little_and_gains_time():
    whole = Variant('model.onnx', 1, 0, {0.1: 0.8}, 0.0, 3.0)
    small = Variant('model_int8.onnx', 1, 0, {0.1: 0.79}, 0.0, 2.0)
    worth = int8_worth((whole, small))
    assert worth is not None and worth.worth and 'worth taking here' in str(worth)
    assert worth.loss == pytest.approx(0.01) and worth.speedup == 1.5
    for other in (replace(small, ms=2.5), replace(small, pck={0.1: 0.77})):
        poor = int8_worth((whole, other))
        assert poor is not None and not poor.worth and 'stay with float32' in str(poor)
    assert int8_worth((whole,)) is None
    assert int8_worth((replace(whole, pck={}), replace(small, pck={}))) is None


def test_train_export_deploy_by_their_commands(tmp_path, own_list, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw_set(tmp_path / 'set', 12)
    recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=2))
    (tmp_path / 'tiny.yaml').write_text(yaml.safe_dump(to_table(recipe)))
    train = ['train', 'pose', '--data', 'set', '--config', 'tiny.yaml', '--out', 'run',
             '--cache', 'crops', '--no-tensorboard', '--json']
    assert main(train) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts['people'] == 9 and facts['epochs'] == 2
    assert main(train) == 2  # an earlier run is kept
    assert main(['export', 'run', 'own-dots', '--json', '--set', 'half=false']) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(facts['variants']) == {'model.onnx', 'model_int8.onnx'}
    assert set(facts['int8']) == {'loss', 'speedup', 'worth'} and facts['scores'] is None
    assert main(['deploy', 'own-dots', '--json']) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        'models': ['own-dots', 'own-dots-int8']}
    assert main(['models', 'show', 'own-dots']) == 0
    assert 'fits the decoder simcc' in capsys.readouterr().out
    assert main(['train', 'pose', '--data', 'nowhere']) == 2
