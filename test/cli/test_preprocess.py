"""A miniature UCF101 to clips, and a recogniser that learns from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.main import main
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import SceneEmbedding
from neuropose_ros.learning import videos
from neuropose_ros.learning.clips import read_clip_set
from neuropose_ros.learning.extraction import PoseExtractor
from neuropose_ros.pose.estimator import Detections
from neuropose_ros.pose.people import make_person

from ..learning.video_files import moving_square


class Eye:
    """Detector, estimator and scene encoder in one: it sees what is bright."""

    model = 'eye'
    layout = COCO17
    seen = 0

    def detect(self, picture) -> Detections:
        Eye.seen += 1
        rows, columns = np.nonzero(np.asarray(picture.image).max(-1) > 128)
        box = [columns.min(), rows.min(), columns.max(), rows.max()]
        return Detections(np.array([box], np.float32), np.ones(1, np.float32))

    def estimate(self, picture, regions):
        shape = np.stack([np.linspace(0, 1, 17), np.linspace(0, 1, 17) ** 2], -1)
        return [make_person(
            (region.box[:2] + shape * (region.box[2:] - region.box[:2])).astype(np.float32),
            np.full(17, 0.8, np.float32), picture.width, picture.height) for region in regions]

    def encode(self, frame) -> SceneEmbedding:
        return SceneEmbedding(
            frame.stamp_ns, frame.frame_seq, 'eye', np.array([1.0, 2.0, 3.0], np.float32))

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def ucf101(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / 'UCF'
    lists: dict[str, list[str]] = {'train': [], 'test': []}
    for number, (action, speed) in enumerate((('Crawl', 1), ('Dash', 8)), 1):
        for group in range(1, 7):
            file = f'{action}/v_{action}_g{group:02d}_c01.avi'
            moving_square(root / 'UCF-101' / file, frames=12, speed_px=speed)
            part = 'test' if group > 4 else 'train'
            lists[part].append(file if part == 'test' else f'{file} {number}')
    folder = root / 'ucfTrainTestlist'
    folder.mkdir()
    (folder / 'classInd.txt').write_text('1 Crawl\n2 Dash\n')
    for part, lines in lists.items():
        (folder / f'{part}list01.txt').write_text('\n'.join(lines) + '\n')
    Eye.seen = 0
    monkeypatch.setattr(
        videos, 'create_extractor',
        lambda settings, data: PoseExtractor(settings, Eye(), Eye(), Eye()))
    return root


def preprocess(root: Path, out: Path, *further: str) -> int:
    return main(['preprocess', 'ucf101', '--data', str(root), '--out', str(out),
                 '--workers', '1', '--json', *further])


def test_official_folders_become_clips_that_teach(ucf101: Path, tmp_path: Path, capsys) -> None:
    pytest.importorskip('torch', reason='needs torch')
    from neuropose_ros.learning.weights import load_recogniser

    out = tmp_path / 'clips'
    assert preprocess(ucf101, out) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said['clips'] == {str(out / 'train.npz'): 8, str(out / 'test.npz'): 4}
    assert said['left_out'] == {}
    train = read_clip_set(out / 'train.npz')
    assert train.labels is not None
    assert train.labels.labels == ('Crawl', 'Dash')
    assert {clip.group for clip in train.clips} == {
        f'v_{action}_g0{i}' for action in ('Crawl', 'Dash') for i in range(1, 5)}
    assert all(clip.scene is not None and clip.scene.shape[1] == 3 for clip in train.clips)
    looks = Eye.seen
    assert preprocess(ucf101, out) == 0
    assert Eye.seen == looks  # nothing was read again
    for config in ('train', 'ucf101'):
        assert trained(out, tmp_path / config, config) == 0
    assert load_recogniser(tmp_path / 'ucf101').network.summary is not None


def trained(data: Path, out: Path, config: str) -> int:
    """Train what a recipe says, but small and for a moment."""
    return main([
        'train', '--data', str(data), '--out', str(out), '--no-tensorboard', '--config', config,
        *(word for value in (
            'data.dataset=clips',
            'training.epochs=1', 'training.select=last', 'network.width=8', 'network.blocks=1',
            'data.validation_share=0', 'data.refit=false', 'network.scene_size=3',
            'network.completion_width=8', 'network.token_width=8')
          for word in ('--set', value))])


def test_bad_videos_are_listed_and_too_many_stop_it(
    ucf101: Path, tmp_path: Path, capsys,
) -> None:
    (ucf101 / 'UCF-101' / 'Dash' / 'v_Dash_g02_c01.avi').write_bytes(b'torn')
    assert preprocess(ucf101, tmp_path / 'a') == 2
    assert '1 of 12 clips cannot be used' in capsys.readouterr().err
    assert preprocess(ucf101, tmp_path / 'a', '--set', 'data.skipped_share=0.2') == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(said['left_out']) == ['Dash/v_Dash_g02_c01']
    assert sum(said['clips'].values()) == 11


def test_own_videos_are_divided_by_recording(ucf101: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'own'
    code = main(['preprocess', 'folder', '--data', str(ucf101 / 'UCF-101'), '--out', str(out),
                 '--workers', '1'])
    assert code == 0
    train, test = (read_clip_set(out / f'{part}.npz') for part in ('train', 'test'))
    assert len(train) + len(test) == 12
    assert test.labels is not None
    assert test.labels.labels == ('Crawl', 'Dash')
    assert f'train --data {out}' in capsys.readouterr().out


@pytest.mark.parametrize(('arguments', 'sentence'), [
    (['nothing'], 'unknown data set'),
    (['ucf101', '--set', 'data.laiout=coco17'], 'laiout'),
    (['ucf101', '--set', 'network.width=3'], 'network'),
    (['ucf101', '--workers', '0'], '--workers'),
])
def test_mistakes_are_one_sentence(tmp_path: Path, capsys, arguments, sentence) -> None:
    code = main(['preprocess', *arguments, '--data', str(tmp_path), '--out', str(tmp_path)])
    assert code == 2
    assert sentence in capsys.readouterr().err
