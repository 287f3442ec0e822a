"""Training on pictures: it learns, goes on where it stopped, and can be fine-tuned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.errors import DataError, TrainingError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_training.crops import CropSettings, cut_out, in_layout
from neuropose_ros.learning.pose_training.fitting import Start, prepare, train_pose
from neuropose_ros.learning.pose_training.samples import draw, load_samples, save_samples
from neuropose_ros.learning.pose_training.task import PoseLearning, ahead, judge
from neuropose_ros.learning.pose_training.weights import load_pose, save_pose
from neuropose_ros.learning.training.processes import alone

from .small_sets import RECIPE, small_set


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def learnt(tmp_path_factory):
    root = tmp_path_factory.mktemp('drawn')
    return prepare(RECIPE, small_set(root, 60), 0, cache=root / 'cache')


def with_epochs(epochs):
    return replace(RECIPE, training=replace(RECIPE.training, epochs=epochs))


def test_a_tiny_network_learns_drawn_people(learnt):
    losses = []
    place = Place(report=lambda epoch: losses.append(epoch.values['loss']))
    trained = train_pose(with_epochs(25), learnt, 0, place=place)
    assert losses[-1] < losses[0] / 2
    assert trained.trained_on['validation']['pck@0.2'] > 0.8
    assert trained.trained_on['people'] == 48 and trained.trained_on['held_back'] == 12


def test_a_training_that_was_cut_off_ends_in_the_same_weights(learnt, tmp_path):
    whole = train_pose(with_epochs(3), learnt, 1)
    first, second = tmp_path / 'a', Place(tmp_path / 'a', resume=True)

    class StopError(Exception):
        pass

    def stop(epoch):
        if epoch.number == 2:
            raise StopError

    settings = replace(with_epochs(3), training=replace(
        with_epochs(3).training, checkpoint_every_s=0.0))
    with pytest.raises(StopError):
        train_pose(settings, learnt, 1, place=Place(first, report=stop))
    resumed = train_pose(settings, learnt, 1, place=second)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_fine_tuning_starts_from_what_is_known(learnt, tmp_path):
    trained = train_pose(with_epochs(20), learnt, 0)
    save_pose(trained, tmp_path / 'pose.pt')
    again = load_pose(tmp_path)
    assert again.layout == trained.layout and again.recipe == trained.recipe
    fresh = train_pose(with_epochs(1), learnt, 0)
    tuned = train_pose(with_epochs(1), learnt, 0, start=Start(again))
    assert 'trained network (5 joints' in tuned.trained_on['started_from']
    assert (tuned.trained_on['validation']['pck@0.2']
            > fresh.trained_on['validation']['pck@0.2'] + 0.2)


def test_people_are_cut_out_once_and_of_the_same_place(tmp_path):
    pictures = small_set(tmp_path, 6)
    settings = CropSettings(96, 2.0)
    crops = cut_out(pictures, settings, cache=tmp_path / 'cache')
    [folder] = (tmp_path / 'cache').iterdir()
    before = (folder / 'pixels.bin').stat().st_mtime_ns
    again = cut_out(pictures, settings, cache=tmp_path / 'cache')
    assert (folder / 'pixels.bin').stat().st_mtime_ns == before
    np.testing.assert_array_equal(crops.points, again.points)
    person = crops.person(3)
    assert person.image.shape == (96, 96, 3)
    x, y = np.round(person.points[1]).astype(int)  # the left hand is a red dot
    assert person.image[y, x].tolist()[2] > 150 > person.image[y, x].tolist()[0]


def test_another_annotation_is_cut_out_anew(tmp_path):
    pictures = small_set(tmp_path, 4)
    cut_out(pictures, CropSettings(64), cache=tmp_path / 'cache')
    moved = pictures.only(tuple(
        replace(picture, keypoints=picture.keypoints + 1) for picture in pictures.pictures))
    cut_out(moved, CropSettings(64), cache=tmp_path / 'cache')
    assert len(list((tmp_path / 'cache').iterdir())) == 2


def test_too_many_bad_pictures_stop_and_leave_nothing(tmp_path):
    pictures = small_set(tmp_path, 10)
    for number in (1, 2):
        (tmp_path / 'set' / f'{number}.png').write_bytes(b'broken')
    findings = Findings()
    with pytest.raises(DataError, match='2 of 10'):
        cut_out(pictures, CropSettings(64), cache=tmp_path / 'cache', findings=findings)
    assert len(findings) == 2 and not list((tmp_path / 'cache').iterdir())
    crops = cut_out(
        pictures, CropSettings(64), cache=tmp_path / 'cache', skipped_share=0.5)
    assert len(crops) == 8 and 0 not in crops.pictures


def test_joints_of_another_layout_are_found_by_name(tmp_path):
    crops = cut_out(small_set(tmp_path, 3), CropSettings(64), cache=tmp_path / 'cache')
    assert in_layout(crops, '') is crops
    with pytest.raises(DataError, match='no joint in common'):
        in_layout(crops, 'coco17')
    with pytest.raises(DataError, match='layout'):
        in_layout(crops, 'cocoa17')


def test_several_processes_share_each_batch(learnt):
    task = PoseLearning(torch.nn.Identity(), learnt.train, RECIPE, 0)
    whole = list(task.batches(0, alone()))
    assert len(whole) == task.steps_per_epoch == 6
    parts = [list(task.batches(0, replace(alone(), rank=rank, size=2))) for rank in (0, 1)]
    for batch, *halves in zip(whole, *parts, strict=True):
        shares = [tuple(row) for half in halves for row in half.weights.sum(1, True).tolist()]
        assert len(shares) == len(batch.points)
    with pytest.raises(TrainingError, match='batch_size'):
        next(task.batches(0, replace(alone(), size=9)))


def test_what_a_thread_makes_ahead_comes_in_order_and_with_its_errors():
    assert list(ahead(lambda: iter(range(10)))) == list(range(10))

    def failing():
        yield 1
        raise DataError('broken')

    given = ahead(failing)
    assert next(given) == 1
    with pytest.raises(DataError, match='broken'):
        next(given)
    given = ahead(lambda: iter(range(100)))
    assert next(given) == 0
    given.close()  # the thread ends, too


def test_nobody_to_learn_from_is_said(learnt):
    nobody = replace(learnt.train, weights=np.zeros_like(learnt.train.weights))
    with pytest.raises(TrainingError, match='nobody to learn from'):
        PoseLearning(torch.nn.Identity(), nobody, RECIPE, 0)
    lonely = PoseLearning(torch.nn.Identity(), learnt.train, replace(
        RECIPE, training=replace(RECIPE.training, batch_size=1)), 0)
    with pytest.raises(TrainingError, match='batches of 1 people'):
        next(lonely.batches(0, alone()))


def test_joints_that_nobody_has_are_named(tmp_path):
    pictures = small_set(tmp_path, 10)
    for picture in pictures.pictures:
        picture.keypoints[:, 1] = np.nan
    findings = Findings()
    learnt = prepare(RECIPE, pictures, 0, cache=tmp_path / 'cache', findings=findings)
    [item] = findings.items
    assert item.name == 'joint left_hand' and 'not learnt' in item.problem
    trained = train_pose(with_epochs(1), learnt, 0)
    assert trained.trained_on['never_labelled'] == 'left_hand'


def test_distances_are_shares_of_the_person(learnt, monkeypatch):
    trained = train_pose(with_epochs(1), learnt, 0)
    monkeypatch.setattr(
        'neuropose_ros.learning.pose_training.task.places',
        lambda network, answers: np.zeros((len(answers.x), 5, 2), np.float32))
    found = judge(trained.network, learnt.held, RECIPE)
    # All at the corner of the crop: as far as the box and its padding say.
    crops = learnt.held
    sides = (crops.boxes[:, 2:] - crops.boxes[:, :2]).max(1) * RECIPE.data.padding
    corner = crops.boxes[:, :2] / 2 + crops.boxes[:, 2:] / 2 + 0.5 - sides[:, None] / 2
    wanted = np.linalg.norm(crops.points - corner[:, None], axis=-1) / crops.sizes[:, None]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_samples_come_back(learnt, tmp_path):
    samples = draw(RECIPE, learnt.train, learnt.held)
    save_samples(samples, tmp_path / 'samples.npz')
    again = load_samples(tmp_path / 'samples.npz')
    assert again.held_back and len(again.images) == 12
    assert again.pck(again.points, 0.1) == 1
    assert again.pck(again.points + 1000, 0.1) == 0
    assert load_samples(tmp_path / 'other.npz') is None


def test_sixteen_bits_on_a_processor_where_asked_for(learnt, monkeypatch):
    seen, losses = set(), PoseLearning.losses

    def spied(self, network, batch):
        seen.add(torch.is_autocast_enabled('cpu'))
        return losses(self, network, batch)

    monkeypatch.setattr(PoseLearning, 'losses', spied)
    recipe = with_epochs(1)
    train_pose(recipe, learnt, 0)
    assert seen == {False}
    train_pose(replace(recipe, training=replace(recipe.training, precision='bfloat16')), learnt, 0)
    assert seen == {False, True}
