"""Refiners by name, and what stages get of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.resources import config_folder
from neuropose_ros.refinement import loading
from neuropose_ros.refinement.context import CONTEXT_FILE
from neuropose_ros.refinement.description import FILE_NAME, STEP_FILE
from neuropose_ros.refinement.parameters import RefinementParameters

SHIPPED = config_folder() / 'refiners' / loading.DEFAULT


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the user's own with a refiner called lab."""
    monkeypatch.setenv(loading.VARIABLE, str(tmp_path))
    shutil.copytree(SHIPPED, tmp_path / 'lab')
    return tmp_path


def test_no_name_is_the_one_that_comes_along(own: Path) -> None:
    said: list[str] = []
    refiner = loading.load_refiner(announce=said.append)
    assert refiner.name == loading.DEFAULT
    assert refiner.noise is not None
    assert [name.partition('/')[0] for name in refiner.files] == [loading.DEFAULT] * len(
        refiner.files)
    assert f'{loading.DEFAULT}/{STEP_FILE}' in refiner.files
    refiner.close()


def test_without_one_the_filters_work_alone_and_that_is_said(
    own: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('neuropose_ros.core.places.config_folder', lambda: own / 'config')
    monkeypatch.setattr('pathlib.Path.home', lambda: own / 'home')
    said: list[str] = []
    assert loading.load_refiner(announce=said.append) == loading.Refiner()
    assert 'without a network' in said[0]
    assert loading.load_refiner(loading.NONE, announce=said.append) == loading.Refiner()
    assert len(said) == 1
    assert loading.load_refiner('lab', announce=said.append).name == 'lab'
    assert loading.list_refiners() == {'lab': own / 'lab'}


def test_a_path_is_taken_and_what_is_not_there_or_damaged_is_refused(own: Path) -> None:
    files = loading.load_refiner(str(own / 'lab'), announce=str).files
    assert {'lab/refiner.json', 'lab/step.onnx'} <= files.keys()
    (own / 'lab' / CONTEXT_FILE).unlink(missing_ok=True)
    without = loading.load_refiner(str(own / 'lab'), announce=str)
    assert without.context is None
    assert without.files.items() <= files.items()
    assert f'lab/{CONTEXT_FILE}' not in without.files
    with pytest.raises(ModelError, match=f"no refiner 'gym'.*lab, {loading.DEFAULT}"):
        loading.load_refiner('gym', announce=str)
    description = json.loads((own / 'lab' / FILE_NAME).read_text())
    description['noise'] = {'camera': {}}
    (own / 'lab' / FILE_NAME).write_text(json.dumps(description))
    with pytest.raises(ModelError, match='train the refiner again'):
        loading.load_refiner('lab', announce=str)
    (own / 'lab' / STEP_FILE).write_bytes(b'')
    with pytest.raises(ModelError, match=STEP_FILE):
        loading.load_refiner('lab', announce=str)


def test_stages_do_not_share_what_they_have_seen(own: Path, person, frame) -> None:
    refiner = loading.load_refiner('lab', announce=str)
    frames = [frame(index, person((3 * index, 0))) for index in range(10)]

    def refined() -> list[list[float]]:
        stage = refiner.stage(RefinementParameters(), layout)
        return [stage.process(one).persons[0].keypoints.tolist() for one in frames]

    first = refined()
    assert refined() == first
    stage, other = (refiner.stage(RefinementParameters(), layout) for _ in range(2))
    both = [(stage.process(one), other.process(one)) for one in frames]
    assert [pair[1].persons[0].keypoints.tolist() for pair in both] == first
    smooth = refiner.smoother(RefinementParameters(), layout)
    assert [one.stamp_ns for one in smooth(frames)] == [one.stamp_ns for one in frames]
    refiner.close()
