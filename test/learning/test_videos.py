"""Data sets of videos become the parts of a recipe, and UCF101's whole path is gone once."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import yaml

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.learning import videos
from neuropose_ros.learning.datasets.videos import Video
from neuropose_ros.learning.extracted import Extracted
from neuropose_ros.learning.provision import provide
from neuropose_ros.learning.recipe import DataSettings, recipe_path

ACTIONS = ('Golf', 'Walk')


def ucf101(root: Path, files: dict[str, list[Path]]) -> Path:
    """Lay videos out as UCF101's authors do; the last recording of each action is the test."""
    lists = root / 'ucfTrainTestlist'
    lists.mkdir(parents=True)
    (lists / 'classInd.txt').write_text(
        ''.join(f'{i} {name}\n' for i, name in enumerate(files, 1)))
    train, test = [], []
    for label, (name, paths) in enumerate(files.items(), 1):
        (root / 'UCF-101' / name).mkdir(parents=True)
        for number, path in enumerate(paths, 1):
            line = f'{name}/v_{name}_g{number:02}_c01.avi'
            shutil.copy(path, root / 'UCF-101' / line)
            (test if number == len(paths) else train).append((line, label))
    (lists / 'trainlist01.txt').write_text(''.join(f'{line} {n}\n' for line, n in train))
    (lists / 'testlist01.txt').write_text(''.join(f'{line}\n' for line, _ in test))
    return root


class Drawn:
    """Answers without looking: what a video is called says how its joints move."""

    key = 'drawn'

    def extract(self, video: Video) -> Extracted:
        if video.path.stat().st_size == 0:
            raise DataError(f'{video.path}: empty')
        rng = np.random.default_rng(len(video.name))
        still = rng.normal(0, 50, (1, 33, 2)).repeat(20, 0)
        still[:, :, label := video.label] += 30 * np.sin(np.arange(20))[:, None]
        scores = np.full((20, 33), 0.9, np.float32)
        scores[:, 15] = 0.1
        return Extracted(
            self.key, BLAZEPOSE33, still.astype(np.float32), scores, np.arange(20) / 25,
            np.zeros((20, 4), np.float32), np.ones(20, bool),
            np.eye(4, dtype=np.float32)[label:label + 1], np.zeros(1), (320, 240))

    def close(self) -> None:
        pass


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(videos, 'create_extractor', lambda settings, data: Drawn())
    path = tmp_path / 'empty.avi'
    path.write_bytes(b'not read here')
    return ucf101(tmp_path / 'data', {name: [path] * 4 for name in ACTIONS})


def test_clips_come_divided_in_the_layout_asked_for(root: Path, tmp_path: Path) -> None:
    settings = DataSettings('ucf101', layout='coco17', least_score=0.5)
    split, findings = provide(settings, root, cache=tmp_path / 'cache')
    assert (len(split.train), len(split.test), len(findings)) == (6, 2, 0)
    assert split.train.layout == COCO17 and split.train.clips[0].scene is not None
    known = split.train.clips[0].measured[0]
    assert not known[COCO17.index('left_wrist')] and known.sum() == 16
    assert len(list((tmp_path / 'cache').rglob('*.npz'))) == 8


def test_unreadable_videos_are_listed_and_too_many_are_refused(
    root: Path, tmp_path: Path,
) -> None:
    (root / 'UCF-101' / 'Golf' / 'v_Golf_g02_c01.avi').write_bytes(b'')
    settings = DataSettings('ucf101', skipped_share=0.2)
    split, findings = provide(settings, root, cache=tmp_path / 'cache')
    assert len(split.train) == 5 and [item.name for item in findings.items] == [
        'Golf/v_Golf_g02_c01']
    with pytest.raises(DataError, match='1 of 8 clips cannot be used'):
        provide(replace(settings, skipped_share=0.05), root, cache=tmp_path / 'cache')


def test_mistakes_in_what_looks_at_the_videos_are_named(root: Path, tmp_path: Path) -> None:
    settings = DataSettings('ucf101', extraction={'detecter': 'x'})
    with pytest.raises(ParameterError, match='detecter is not known; detector is'):
        provide(settings, root, cache=tmp_path / 'cache')


def test_miniature_ucf101_is_reproduced_by_its_recipe(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    clips = data_folder / 'jhmdb' / 'videos'
    root = ucf101(tmp_path / 'data', {
        name: sorted((clips / name.lower()).glob('*.mp4'))[:4] for name in ACTIONS})
    (root / 'models').symlink_to(data_folder / 'models')
    table = yaml.safe_load(recipe_path('ucf101').read_text())
    # The recipe as it is, but for its size; and without the estimator that would be fetched.
    table['data'] |= {'validation_share': 0.3, 'extraction': {
        'estimator': 'movenet-lightning-int8', 'detect_every': 8}}
    table['training'] |= {'epochs': 2, 'warmup_epochs': 0}
    table['network'] |= {'width': 16, 'blocks': 1}
    table['evaluation'] |= {'baselines': []}
    recipe = tmp_path / 'ucf101.yaml'
    recipe.write_text(yaml.safe_dump(table))
    assert main(['reproduce', str(recipe), '--data', str(root), '--split', '1', '--seeds', '1',
                 '--workers', '1', '--cache', str(tmp_path / 'cache'), '--out',
                 str(tmp_path / 'out'), '--json']) == 0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (values['split'], values['training_clips'], values['test_clips']) == (1, 6, 2)
    assert set(values) >= {'pose_only_mean', 'context_gain', 'top1_mean', 'macro_f1_mean'}
