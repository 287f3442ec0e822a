"""A recipe trained with several seeds and asked about the test part."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.datasets.picture_sets import PictureSet
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_training.reproduction import (
    PoseJob,
    in_found_boxes,
    reproduce_pose,
    table,
)
from neuropose_ros.learning.refiner.pairs import read_pairs

from ..refiner.clips import write_folder
from .small_sets import RECIPE, draw_set

_RECIPE = replace(
    RECIPE, data=replace(RECIPE.data, form='coco'),
    training=replace(RECIPE.training, epochs=8))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    for part, count, seed in (('train', 60, 0), ('test', 12, 1)):
        draw_set(folder / part, count, seed)
        content = json.loads((folder / part / 'annotations.json').read_text())
        for image in content['images']:
            name = f'{part}-{image["file_name"]}'
            (folder / part / image['file_name']).rename(folder / name)
            image['file_name'] = name
        (folder / f'{part}.json').write_text(json.dumps(content))
    return folder


def test_seeds_are_trained_in_processes_and_kept(root, tmp_path):
    shares: dict[str, float] = {}
    found = reproduce_pose(
        _RECIPE, root, tmp_path / 'run', seeds=2, workers=1, cache=tmp_path / 'cache',
        watch=lambda job, share: shares.update({job.name: share}))
    assert shares == {'pose-0': 1.0, 'pose-1': 1.0}
    assert len(found['by_seed']['pck@0.2']) == 2 and found['people'] == 48
    assert found['pck@0.2'] > 0.3 and found['params'] > 1000
    assert found['baseline'] == {'movenet-lightning-int8': {}}
    assert 'found boxes pck@0.1' not in found
    for row in ('', 'mirrored ', 'int8 '):
        assert found[f'{row}pck@0.2'] > 0.3 and 0 <= found[f'{row}ece'] < 1
    assert found['int8']['loss'] == pytest.approx(found['pck@0.1'] - found['int8 pck@0.1'])
    said = table(found)
    assert '2 seeds' in said and 'mirror image' in said and 'MoveNet' not in said
    assert found['int8']['said'] in said
    assert (tmp_path / 'run' / 'jobs' / 'pose-1' / 'model' / 'model.onnx').is_file()
    again = reproduce_pose(
        _RECIPE, root, tmp_path / 'run', seeds=2, workers=2, cache=tmp_path / 'cache',
        resume=True)
    assert again['by_seed'] == found['by_seed'] and again['minutes_in_all'] < 0.1


def test_another_recipe_does_not_go_on(root, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'run.json').write_text('{"identity": {"recipe": "other"}}')
    with pytest.raises(TrainingError, match='recipe has changed'):
        reproduce_pose(_RECIPE, root, tmp_path / 'run', seeds=1, resume=True)
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'text.md').write_text('mine')
    with pytest.raises(TrainingError, match='something else'):
        reproduce_pose(_RECIPE, root, tmp_path / 'mine', seeds=1)


def test_boxes_follow_what_the_baseline_found(tmp_path):
    write_folder(tmp_path)
    pair = read_pairs(tmp_path).test[0]
    action, _, clip = pair.name.partition('/')
    unknown = np.full(1, np.nan, np.float32)
    picture = AnnotatedPicture(
        tmp_path / 'videos' / action / f'{clip}.mp4', JHMDB15, pair.truth[:1],
        np.ones((1, 15), bool), np.array([[0, 0, 1, 1]], np.float32), unknown, unknown, 0)
    pictures = PictureSet('jhmdb', JHMDB15, (picture,))
    found = in_found_boxes(pictures, tmp_path)
    assert found is not None
    box, points = found.pictures[0].boxes[0], pair.found[0]
    assert (box[:2] <= points.min(0)).all() and (box[2:] >= points.max(0)).all()
    assert (box[2:] - box[:2]).max() < 1.5 * np.ptp(points, 0).max()
    assert PoseJob(3).name == 'pose-3'
