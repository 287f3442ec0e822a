"""A refiner is learnt, written, and does the same when it runs from its folder."""

import json

import numpy as np
import pytest
import torch

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import DataError, ModelError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.refiner.batches import prepare
from neuropose_ros.learning.refiner.export import export_refiner
from neuropose_ros.learning.refiner.settings import RefinerSettings
from neuropose_ros.learning.refiner.training import train_refiner
from neuropose_ros.refinement.canonical import CORE_JOINTS
from neuropose_ros.refinement.context import CONTEXT_FILE
from neuropose_ros.refinement.description import FILE_NAME, STEP_FILE, read_description
from neuropose_ros.refinement.evidence import NetworkInput
from neuropose_ros.refinement.network import open_refiner

from .clips import ACTIONS, make_pair, write_folder

FACE = slice(1, 5)  # eyes and ears: the truth does not know them
BODY = np.r_[0, 5:17]
SMALL = RefinerSettings(steps=50, batch=4, hidden=8, width=16, hold_out=0.2)


@pytest.fixture(scope='module')
def pairs():
    return [make_pair(f'walk/{seed}', frames=12, seed=seed, noise_px=4.0) for seed in range(16)]


@pytest.fixture(scope='module')
def trained(pairs):
    return train_refiner(pairs, SMALL)


@pytest.fixture(scope='module')
def folder(trained, tmp_path_factory):
    place = tmp_path_factory.mktemp('refiners') / 'small'
    export_refiner(trained, place, 'small', {'clips': 16})
    return place


def seen(points):
    return NetworkInput(points[None], np.full((1, 17), 4.0))


def test_the_same_seed_learns_the_same(pairs, trained):
    again = train_refiner(pairs, SMALL)
    for one, other in zip(trained.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_is_nearer_than_the_detector(pairs, trained):
    from neuropose_ros.learning.refiner.measures import accuracy, to_truth_layout
    raw = accuracy([to_truth_layout(pair.found) for pair in pairs], pairs)
    assert trained.figures['accel'] < 0.7 * raw['accel']
    assert all(np.isfinite(factor) and factor > 0 for factor in trained.spread)


def test_a_stream_is_what_the_network_learnt(pairs, trained, folder):
    loaded = open_refiner(folder, announce=print)
    follower = loaded.network()
    follower.bind(COCO17.names)
    follower.arrange(np.array([-1]))
    pair = pairs[0]
    said = [follower.step(0.0 if tick == 0 else 1 / 30, seen(points)).position[0]
            for tick, points in enumerate(pair.found.astype(float))]
    points = np.full((1, len(pair), len(CORE_JOINTS), 2), np.nan)
    points[0, :, :17] = pair.found
    dt_s = np.full((1, len(pair)), 1 / 30)
    dt_s[0, 0] = 0
    clip = prepare(trained.skeleton, points, np.full(points.shape[:3], 4.0), dt_s)
    with torch.inference_mode():
        wanted = trained.network(clip)[0][0, :, :17].numpy()
    assert np.abs(np.array(said) - wanted)[:, BODY].max() < 0.1
    loaded.close()


def test_people_may_change_places(pairs, folder):
    loaded = open_refiner(folder, announce=print)
    alone, together = loaded.network(), loaded.network()
    for follower, people in ((alone, 1), (together, 2)):
        follower.bind(COCO17.names)
        follower.arrange(np.full(people, -1))
    first, second = (pairs[i].found.astype(float) for i in (0, 1))
    for tick in range(6):
        if tick == 3:
            together.arrange(np.array([1, 0]))
        order = (first, second) if tick < 3 else (second, first)
        views = [seen(points[tick]) for points in order]
        dt_s = 0.0 if tick == 0 else 1 / 30
        both = together.step(dt_s, NetworkInput(*(
            np.concatenate(parts) for parts in zip(*views, strict=True))))
        one = alone.step(dt_s, seen(first[tick]))
    assert np.allclose(both.position[1, BODY], one.position[0, BODY], atol=1e-3)
    loaded.close()


def test_frames_between_two_ticks_do_not_hurry_it(pairs, folder):
    """At 120 frames per second it says about what it says at 30."""
    loaded = open_refiner(folder, announce=print)
    said = {}
    for rate_hz, repeats in ((30, 1), (120, 4)):
        follower = loaded.network()
        follower.bind(COCO17.names)
        follower.arrange(np.array([-1]))
        for tick, points in enumerate(np.repeat(pairs[0].found.astype(float), repeats, 0)):
            said[rate_hz] = follower.step(tick and 1 / rate_hz, seen(points)).position[0]
    assert np.abs(said[30] - said[120])[BODY].max() < 8.0
    loaded.close()


def test_a_precise_joint_is_left_alone(pairs, folder):
    loaded = open_refiner(folder, announce=print)
    follower = loaded.network()
    follower.bind(COCO17.names)
    follower.arrange(np.array([-1]))
    for tick, points in enumerate(pairs[0].found.astype(float)):
        view = seen(points)._replace(sd=np.full((1, 17), 0.2))
        said = follower.step(tick and 1 / 30, view).position[0, BODY]
        # 0.2 px is below the least that is believed, which is 0.4 % of the body's size
        assert np.abs(said - points[BODY]).max() < 5 * 0.004 * 150
    loaded.close()


def test_the_whole_uses_what_comes_later(pairs, folder):
    loaded = open_refiner(folder, announce=print)
    follower = loaded.network()
    follower.bind(COCO17.names)
    points = pairs[0].found.astype(float)[:, None].copy()
    knee = COCO17.index('left_knee')
    points[4:8, 0, knee] = np.nan
    frames = len(points)
    view = NetworkInput(points, np.full((frames, 1, 17), 4.0))
    said = follower.whole(np.full(frames, 1 / 30), view)
    assert np.isfinite(said.position[:, 0, BODY]).all()
    assert (said.variance[:, 0, BODY] > 0).all()
    later = points.copy()
    later[8:, 0, knee] += 25.0
    moved = follower.whole(np.full(frames, 1 / 30), view._replace(measured=later)).position
    assert np.abs(moved - said.position)[5:8, 0, knee].max() > 2.0
    loaded.close()


def test_joints_it_does_not_know_are_left_alone(folder):
    loaded = open_refiner(folder, announce=print)
    follower = loaded.network()
    names = ('left_wheel', *COCO17.names)
    follower.bind(names)
    follower.arrange(np.array([-1]))
    points = np.random.default_rng(0).uniform(0, 100, (1, 18, 2))
    said = follower.step(0.0, NetworkInput(points, np.full((1, 18), 4.0)))
    assert np.isnan(said.position[0, 0]).all()
    assert np.isfinite(said.position[0, 1 + BODY]).all()
    assert np.isnan(said.position[0, 1:][FACE]).all()
    loaded.close()


def test_a_damaged_network_is_refused(folder, tmp_path):
    for file in (FILE_NAME, STEP_FILE):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    (tmp_path / STEP_FILE).write_bytes(b'nothing')
    with pytest.raises(ModelError, match='damaged'):
        open_refiner(tmp_path, announce=print)


@pytest.mark.parametrize('change', [
    {'format': 0}, {'joints': ['nose']}, {'hidden': 'many'}, {'spread': {'step': [0.0, 1.0]}},
    {'skeleton': {}}, {'told': ['tail']}])
def test_a_wrong_description_is_refused(folder, tmp_path, change):
    table = json.loads((folder / FILE_NAME).read_text()) | change
    (tmp_path / FILE_NAME).write_text(json.dumps(table))
    with pytest.raises(ModelError, match='refiner'):
        read_description(tmp_path)


def test_nothing_else_is_written_over(trained, tmp_path):
    (tmp_path / 'thesis.txt').write_text('years of work')
    with pytest.raises(ModelError, match='nothing is replaced'):
        export_refiner(trained, tmp_path, 'small', {})
    assert (tmp_path / 'thesis.txt').exists()


def test_what_others_keep_beside_a_refiner_stays(trained, tmp_path):
    export_refiner(trained, tmp_path / 'one', 'small', {})
    (tmp_path / 'one' / 'notes.txt').write_text('mine')
    export_refiner(trained, tmp_path / 'one', 'small', {'clips': 3})
    assert (tmp_path / 'one' / 'notes.txt').read_text() == 'mine'
    assert '3 clips' in (tmp_path / 'one' / 'MODEL_CARD.md').read_text()


def test_too_few_clips_are_said_to_be(pairs):
    with pytest.raises(DataError, match='too few'):
        train_refiner(pairs[:4], SMALL)


def test_the_command_writes_a_refiner(tmp_path, capsys):
    write_folder(tmp_path / 'data', per_part=10, frames=8)
    out = tmp_path / 'out'
    assert main(['train', 'refiner', '--data', str(tmp_path / 'data'), '--out', str(out), '--json',
                 '--set', 'steps=50', '--set', 'batch=2', '--set', 'hidden=8', '--set', 'width=8',
                 '--set', 'hold_out=0.2']) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])['refiner'] == str(out)
    assert read_description(out).training['clips'] == 20
    context = json.loads((out / CONTEXT_FILE).read_text())
    assert context['label_set'].startswith('jhmdb14@')
    assert set(context['factors']) == set(ACTIONS)
