"""A start from pictures without labels: spots are told apart, and training begins with that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.cli.main import EXIT_BAD_INPUT, main
from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_training.augmentation import PLAIN
from neuropose_ros.learning.pose_training.fitting import Start, prepare, train_pose
from neuropose_ros.learning.pose_training.self_supervised import (
    ContrastSettings,
    PosePretraining,
    SpotCoder,
    SpotLearning,
    contrast,
    pretrain_pose,
    read_pose_pretraining,
    save_backbone,
    start_from,
)
from neuropose_ros.learning.pose_training.views import ViewSettings, pictures_of_set
from neuropose_ros.learning.pose_training.weights import save_pose
from neuropose_ros.learning.training.processes import alone

from .small_sets import RECIPE, TINY, draw_set, small_set

PRETRAINING = PosePretraining(
    ViewSettings(points=8, least_region=0.7), replace(PLAIN, scale=0.1, shift=0.1, colour=0.1),
    TINY, ContrastSettings(epochs=3, batch_size=8, learning_rate=0.01, warmup_epochs=0.5,
                           code=16, apart_px=4.0, weight_decay=0.0))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    return small_set(tmp_path_factory.mktemp('drawn'), 24)


@pytest.fixture(scope='module')
def store(pictures):
    return pictures_of_set(pictures, PRETRAINING.data)


def test_codes_are_taken_at_the_very_spots() -> None:
    coder = SpotCoder(TINY, 3)
    y, x = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing='ij')
    # The middle of the cell c of 8 px lies at 8 c + 3.5.
    where = torch.stack((8 * x + 3.5, 8 * y + 3.5, torch.full_like(x, 100.0)))[None]
    coder.code = torch.nn.Identity()
    coder.network.features = lambda _pictures: where
    points = torch.tensor([[[3.5, 3.5], [11.5, 19.5], [10.0, 8.25]]])
    codes = coder(torch.zeros(1, 3, 32, 32), points)
    torch.testing.assert_close(100 * codes[..., :2] / codes[..., 2:], points)


def test_spots_that_are_told_apart_cost_nothing_and_others_do() -> None:
    codes = torch.eye(6).reshape(2, 3, 6).repeat(2, 1, 1)  # 2 pictures, 3 spots, 2 views
    points = torch.tensor([[0.0, 0], [20, 0], [40, 0]]).repeat(4, 1, 1)
    inside = torch.ones(2, 3, dtype=torch.bool)
    assert contrast(codes, points, inside, 0.05, 5) < 1e-3
    alike = codes.clone()
    alike[:, 1] = alike[:, 0]  # two spots of a picture look the same
    assert contrast(alike, points, inside, 0.05, 5) > 0.3
    near = points.clone()
    near[:, 1] = near[:, 0] + 3  # they are nearly the same spot: no reproach
    assert contrast(alike, near, inside, 0.05, 5) < 1e-3
    hidden = inside.clone()
    hidden[:, 1] = False  # nobody asks for it
    assert contrast(alike, points, hidden, 0.05, 5) < 1e-3
    assert contrast(codes, points, torch.zeros_like(inside), 0.05, 5) == 0


def test_spots_are_learnt_and_training_starts_from_them(pictures, store, tmp_path) -> None:
    losses = []
    place = Place(report=lambda epoch: losses.append(epoch.values['contrast']))
    longer = replace(PRETRAINING, training=replace(PRETRAINING.training, epochs=12))
    weights = pretrain_pose(longer, store, 0, place)
    assert losses[-1] < 0.8 * losses[0]
    save_backbone(weights, longer, {'pictures': 24}, tmp_path / 'backbone.pt')
    start = start_from(tmp_path)
    assert start.backbone is not None and start.trained is None
    learnt = prepare(RECIPE, pictures, 0, cache=tmp_path / 'cache')
    once = replace(RECIPE, training=replace(RECIPE.training, epochs=1, learning_rate=0.0))
    trained = train_pose(once, learnt, 0, start=start)
    assert trained.trained_on['started_from'] == 'a pre-trained backbone'
    name = 'backbone.levels.2.0.main.0.weight'
    assert torch.equal(trained.network.state_dict()[name], weights[name])
    fresh = train_pose(once, learnt, 0)
    assert torch.equal(fresh.network.x.weight, trained.network.x.weight)  # answers begin anew
    save_pose(fresh, tmp_path / 'other' / 'pose.pt')
    assert start_from(tmp_path / 'other').trained is not None
    other = replace(once, network=replace(TINY, neck=8))
    with pytest.raises(TrainingError, match='another size'):
        train_pose(other, learnt, 0, start=Start(backbone=weights))


def test_what_was_cut_off_ends_in_the_same_weights(store, tmp_path) -> None:
    whole = pretrain_pose(PRETRAINING, store, 1)

    class StopError(Exception):
        pass

    def stop(epoch):
        if epoch.number == 2:
            raise StopError

    settings = replace(
        PRETRAINING, training=replace(PRETRAINING.training, checkpoint_every_s=0.0))
    with pytest.raises(StopError):
        pretrain_pose(settings, store, 1, Place(tmp_path, report=stop))
    again = pretrain_pose(settings, store, 1, Place(tmp_path, resume=True))
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


def test_processes_share_pictures(store) -> None:
    task = SpotLearning(store, PRETRAINING, 0)
    assert task.steps_per_epoch == 3
    parts = [next(iter(task.batches(0, replace(alone(), rank=rank, size=2)))) for rank in (0, 1)]
    assert [len(part.inside) for part in parts] == [4, 4]
    with pytest.raises(TrainingError, match='batch_size'):
        next(task.batches(0, replace(alone(), size=5)))
    few = replace(PRETRAINING, training=replace(PRETRAINING.training, pictures_per_epoch=1))
    with pytest.raises(TrainingError, match='one picture'):
        SpotLearning(store, few, 0)


def test_the_command_and_training_from_what_it_wrote(tmp_path, capsys) -> None:
    root = draw_set(tmp_path / 'set', 12)
    network = ['width_px=32', 'height_px=32', 'channels=[8, 8, 16, 16]', 'blocks=[1, 1, 1, 1]',
               'neck=16']
    small = [word for value in network for word in ('--set', f'network.{value}')]
    common = ['--no-tensorboard', '--json', *small, '--set', 'training.epochs=1', '--set',
              'training.batch_size=4']
    pretrain = ['pretrain', 'pose', '--unlabelled', str(root), '--out', str(tmp_path / 'start'),
                *common]
    assert main(pretrain) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])['pictures'] == 12
    assert main(pretrain) == EXIT_BAD_INPUT
    assert 'holds an earlier run' in capsys.readouterr().err
    assert main(['train', 'pose', '--data', str(root), '--weights', str(tmp_path / 'start'),
                 '--out', str(tmp_path / 'pose'), '--cache', str(tmp_path / 'cache'),
                 *common]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts['started_from'] == 'a pre-trained backbone'


def test_its_settings_are_those_of_the_training_that_starts_from_it() -> None:
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe

    recipe = read_pose_pretraining()
    assert recipe.network == read_pose_recipe('train_pose').network
    for name in ('half_body', 'background'):
        with pytest.raises(ParameterError, match=name):
            read_pose_pretraining('pretrain_pose', [f'augmentation.{name}=0.1'])
