from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.cli.bench import many, many_cost, many_models, many_pictures
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.metrics import oks_sigmas
from neuropose_ros.inference.entry import PathSource
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.many import ManyPeople


def _truth() -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 100, (3, 17, 2))
    points[0, 5:] = np.nan
    return points


AREAS = np.array([900.0, 2500.0, 400.0])


def test_perfect_finds_are_1_whatever_their_order() -> None:
    truth = _truth()
    found = np.nan_to_num(truth)[[2, 0, 1]]
    np.testing.assert_allclose(many_pictures.matched_oks(found, truth, AREAS), 1)


def test_whoever_is_not_found_counts_as_0() -> None:
    truth = _truth()
    oks = many_pictures.matched_oks(np.nan_to_num(truth[1:2]), truth, AREAS)
    assert oks[1] == pytest.approx(1)
    assert oks[[0, 2]].tolist() == [0, 0]
    assert many_pictures.matched_oks(np.zeros((0, 17, 2)), truth, AREAS).tolist() == [0, 0, 0]


def test_one_find_serves_one_person() -> None:
    truth = np.repeat(_truth()[1:2], 2, axis=0)
    oks = many_pictures.matched_oks(truth[:1], truth, AREAS[:2])
    assert sorted(oks.tolist()) == [0, pytest.approx(1)]
    oks = many_pictures.matched_oks(
        np.concatenate((truth[:1], truth[:1] + 1e4)), truth, AREAS[:2])
    assert sorted(oks.tolist()) == [0, pytest.approx(1)]


def test_the_similarity_is_cocos() -> None:
    truth = _truth()[1:2]
    sigma = oks_sigmas(COCO17)
    # One standard deviation of the definition, 2 sigma sqrt(area), for every joint.
    away = truth + np.stack([2 * sigma * np.sqrt(AREAS[1]), np.zeros(17)], -1)
    [oks] = many_pictures.matched_oks(away, truth, AREAS[1:2])
    assert oks == pytest.approx(np.exp(-0.5))


def _data(folder: Path) -> Path:
    coco = folder / 'images' / 'coco'
    coco.mkdir(parents=True)
    cv2.imwrite(str(coco / 'a.jpg'), np.zeros((40, 60, 3), np.uint8))
    keypoints = [0] * 51
    keypoints[:6] = [10, 11, 2, 20, 21, 1]
    (coco / 'test_coco.json').write_text(json.dumps({
        'images': [{'id': 7, 'file_name': 'a.jpg'}],
        'annotations': [
            {'image_id': 7, 'num_keypoints': 2, 'keypoints': keypoints, 'area': 300.5},
            {'image_id': 7, 'num_keypoints': 0, 'keypoints': [0] * 51, 'area': 20},
            {'image_id': 8, 'num_keypoints': 2, 'keypoints': keypoints, 'area': 1},
        ]}))
    return folder


def test_annotations_are_read_as_coco_means_them(tmp_path: Path) -> None:
    [truth] = many_pictures.coco_pictures(_data(tmp_path))
    assert truth.image.shape == (40, 60, 3)
    assert truth.areas.tolist() == [300.5]  # nobody without a labelled joint
    np.testing.assert_array_equal(truth.keypoints[0, :2], [(10, 11), (20, 21)])
    assert np.isnan(truth.keypoints[0, 2:]).all()


def test_pictures_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(NeuroposeError, match=r'test_coco\.json'):
        many_pictures.coco_pictures(tmp_path)
    data = _data(tmp_path)
    (data / 'images' / 'coco' / 'a.jpg').write_bytes(b'no picture')
    with pytest.raises(NeuroposeError, match=r'a\.jpg'):
        many_pictures.coco_pictures(data)


def test_networks_of_the_data_folder_take_the_place_of_downloads(tmp_path: Path) -> None:
    path = tmp_path / 'models' / 'rtmdet_nano' / 'any.onnx'
    path.parent.mkdir(parents=True)
    path.write_bytes(b'')
    registry = load_registry()
    merged = many_models.with_data(registry, tmp_path)
    assert merged['rtmdet-nano'].sources == (PathSource(path),)
    assert merged['rtmdet-nano-512'].sources == (PathSource(path),)
    assert merged['rtmdet-nano-512'].input.width == 512
    assert merged['yolox-nano'] == registry['yolox-nano']


def test_what_cannot_be_had_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(many_models, '_has_address', lambda host: False)
    for proxy in ('https_proxy', 'HTTPS_PROXY'):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    networks = many_models.load_networks(
        tmp_path, 1, ('yolox-tiny',), ('rtmpose-m', 'movenet-thunder-int8:mirrored'),
        ('rtmo-s',))
    assert not networks.detectors
    assert not networks.estimators
    assert not networks.one_stage
    assert set(networks.absent) == {
        'yolox-tiny', 'rtmpose-m', 'movenet-thunder-int8:mirrored', 'rtmo-s'}
    assert 'cannot be reached' in networks.absent['rtmpose-m']


def test_the_fixed_pair_is_among_the_candidates() -> None:
    assert many_models.FIXED[0] in many_models.DETECTORS
    assert many_models.FIXED[1] in many_models.ESTIMATORS


def test_a_missing_network_of_the_fixed_pair_is_an_error(tmp_path: Path) -> None:
    networks = many_models.Networks({}, {}, {many_models.FIXED[0]: 'it is not here'})
    with pytest.raises(NeuroposeError, match='it is not here'):
        many.measure_pictures(networks, tmp_path, 1)


def _arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    many.add_arguments(parser)
    return parser.parse_args(words)


def test_bad_arguments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    with pytest.raises(NeuroposeError, match='--data'):
        many.run(_arguments())
    with pytest.raises(ParameterError, match='--runs'):
        many.run(_arguments('--data', 'x', '--runs', '0'))


def test_the_increment_is_the_slope() -> None:
    assert many_cost.increment_ms({1: 12.0, 2: 19.0, 4: 33.0, 8: 61.0}) == pytest.approx(7)


@pytest.mark.parametrize('count', many_cost.COUNTS)
def test_pictures_are_composed_of_so_many_people(count: int) -> None:
    image = np.full((300, 200, 3), 40, np.uint8)
    points = np.full((1, 17, 2), np.nan)
    points[0, :2] = [(60, 50), (140, 250)]
    image[50:251, 60:141] = 220
    picture, regions = many_cost.composed(
        [many_pictures.Truth(image, points, np.array([1.0]))], count)
    assert picture.shape == (720, 1280, 3)
    assert len(regions) == count
    for region in regions:
        # The bright body, 1.15 times as large, lies in its region and fills it.
        x0, y0, x1, y1 = region.box.round().astype(int)
        part = picture[max(y0, 0):y1, max(x0, 0):x1]
        assert (part > 200).mean() == pytest.approx(1 / 1.15**2, abs=0.03)


def test_a_known_pair_reaches_its_known_figure() -> None:
    if 'NEUROPOSE_DATA' not in os.environ:
        pytest.skip('NEUROPOSE_DATA is not set: no annotated pictures here')
    data = Path(os.environ['NEUROPOSE_DATA'])
    networks = many_models.load_networks(data, 1, ('rtmdet-nano',), ('blazepose',))
    if networks.absent:
        pytest.skip(f'needs the published networks: {networks.absent}')
    people = ManyPeople(networks.detectors['rtmdet-nano'], networks.estimators['blazepose'])
    row = many_pictures.measure(people, many_pictures.coco_pictures(data), 1)
    assert row['people'] == 12
    assert row['missed'] == 0
    assert row['mean_oks'] > 0.72
