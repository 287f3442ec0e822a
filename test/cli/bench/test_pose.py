import sys
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.bench import pose
from neuropose_ros.core.errors import ModelError, NeuroposeError
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.sources.open import open_source


def _square(x: float) -> np.ndarray:
    """33 keypoints, 3 by 11, in a box of 30 x 40 px: its diagonal is 50 px."""
    grid = np.stack(np.meshgrid(np.linspace(0, 30, 3), np.linspace(0, 40, 11)), -1)
    return grid.reshape(33, 2) + np.array([x, 0])


def test_distance_is_in_percent_of_the_box_of_the_reference() -> None:
    nobody = np.full((33, 2), np.nan)
    found = np.stack([_square(0.5), _square(102), _square(0), nobody, nobody])
    reference = np.stack([_square(0), _square(100), nobody, _square(0), nobody])
    report = pose.agreement(found, reference)
    assert (report['frames'], report['both']) == (5, 2)
    assert (report['only_ours'], report['only_theirs']) == (1, 1)
    assert report['mean_distance_pct'] == pytest.approx((1 + 4) / 2)
    assert report['median_distance_pct'] == pytest.approx(2.5)


def test_nobody_found_by_both_has_no_distance() -> None:
    report = pose.agreement(np.full((2, 33, 2), np.nan), np.stack([_square(0)] * 2))
    assert report['mean_distance_pct'] is None and report['only_theirs'] == 2


def test_ratios_are_medians_of_paired_runs() -> None:
    clip = pose.Item('clip', [], 30.0, report={'median_distance_pct': 0.05})
    stills = pose.Item('pictures', [], None, report={'mean_distance_pct': 0.01})
    for ours, theirs in ((20, 10), (60, 20), (10, 9)):
        for item in (clip, stills):
            item.pairs.append({'ours_fps': ours, 'theirs_fps': theirs,
                               'ours_cpu_ms': theirs, 'theirs_cpu_ms': ours})

    class Threads:
        def __init__(self, engine: str) -> None:
            self.engine, self.network_threads, self.process_threads = engine, 1, 4

    report = pose.report([clip, stills], Threads('neuropose'), Threads('mediapipe'))
    assert report['fps_ratio'] == pytest.approx(2)
    assert report['cpu_ratio'] == pytest.approx(0.5)
    assert report['mean_distance_pct'] == 0.01
    assert report['video_median_distance_pct'] == 0.05
    assert set(report['clips']) == {'clip', 'pictures'}


@pytest.mark.parametrize('data', [None, '', 'empty'])
def test_without_real_data_it_says_what_it_needs(
    tmp_path: Path, data: str | None,
) -> None:
    folder = tmp_path if data == 'empty' else data
    with pytest.raises(NeuroposeError, match=r'clips/\*\.mp4'):
        pose.find(folder)


def test_our_worker_answers(tmp_path: Path) -> None:
    try:
        ensure_models('blazepose-detector', 'blazepose-landmarks')
    except ModelError as error:
        pytest.skip(f'needs the published networks: {error}')
    source = open_source('synthetic:walk?seconds=1&width=320&height=240')
    frames = []
    while len(frames) < 3:
        picture = source.read()
        assert picture is not None
        frames.append(picture.image)
    path = tmp_path / 'frames.npy'
    np.save(path, np.stack(frames))
    item = pose.Item('walk', [str(path)], 30.0)
    with pose.Worker(Path(sys.executable), 'neuropose', 1) as worker:
        assert worker.network_threads == 1
        worker.ask(item, result=str(tmp_path / 'result.npy'))
        found = np.load(tmp_path / 'result.npy')
        assert found.shape == (3, 33, 2) and np.isfinite(found).all()
        reply = worker.ask(item, least=4)
        assert reply['frames'] == 4 and reply['wall_s'] > 0 and reply['cpu_s'] > 0
        worker.ask(item, result=str(tmp_path / 'disturbed.npy'), disturb=True)
        disturbed = np.load(tmp_path / 'disturbed.npy')
        assert 0 < np.abs(disturbed - found).max() < 2
        with pytest.raises(NeuroposeError, match=r'neuropose process ended: .*No such file'):
            worker.ask(pose.Item('gone', [str(tmp_path / 'gone.npy')], 30.0), least=1)
