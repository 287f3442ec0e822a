"""Building, keeping and rebuilding engines, on a clearly labelled stand-in (standin.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.tensorrt import TensorRtRuntime, build_engine

from . import networks, standin
from .cpu_device import CpuDevice

pytest.importorskip('torch')


class User:
    """Somebody who builds and loads one network, and reads what is announced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = networks.two_layers(folder)
        self.said: list[str] = []

    def build(self, **options: Any) -> Path:
        options = {'device': CpuDevice(), 'batch': 2, **options}
        return build_engine(self.model, input=networks.PICTURE, cache=self.folder,
                            announce=self.said.append, **options)

    def load(self, **options: Any) -> TensorRtRuntime:
        options = {'device': CpuDevice(), 'batch': 2, **options}
        return TensorRtRuntime(self.model, input=networks.PICTURE, cache=self.folder,
                               announce=self.said.append, **options)


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def test_an_engine_is_built_once_and_described(trt: Any, user: User) -> None:
    path = user.build()
    assert path == user.build() == user.load().engine_path
    assert trt.world.builds == 1
    assert len(user.said) == 1 and 'there is none yet' in user.said[0]
    sidecar = json.loads(path.with_suffix('.json').read_text())
    assert sidecar['model'] == 'two_layers' and sidecar['tensorrt'] == trt.__version__
    assert sidecar['gpu'] == {'name': 'Stand-in 3000', 'compute_capability': '8.6'}
    assert sidecar['computes_in'] == 'fp16' and sidecar['layers_float16'] == 2
    assert sidecar['plan_bytes'] == path.stat().st_size
    assert 0 < sidecar['difference_to_float32'] < 0.01


def test_what_a_killed_build_left_goes(trt_now: Any, user: User) -> None:
    (user.folder / 'engines').mkdir()
    (user.folder / 'engines' / '.part-half').write_bytes(b'half')
    user.build()
    assert not list((user.folder / 'engines').glob('.part-*'))


@pytest.mark.parametrize(('change', 'reason'), [
    ({'precision': 'fp32'}, 'differ in the precision (fp16, now fp32)'),
    ({'batch': 3}, 'differ in the shapes'),
    ({'device': CpuDevice('Other GPU')}, 'the GPU (Stand-in 3000 8.6, now Other GPU 8.6)'),
])
def test_what_else_is_wanted_gets_an_engine_of_its_own(
        trt_now: Any, user: User, change: dict[str, Any], reason: str) -> None:
    first = user.build()
    second = user.build(**change)
    assert first != second and trt_now.world.builds == 2
    assert reason in user.said[-1]
    user.build()
    user.build(**change)
    assert trt_now.world.builds == 2


def test_a_changed_network_and_another_tensorrt_are_noticed(
        trt_now: Any, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.build()
    user.model.write_bytes(user.model.read_bytes() + b'\x12\x01x')  # another producer's name
    user.build()
    assert 'differ in the ONNX file' in user.said[-1]
    monkeypatch.setitem(sys.modules, 'tensorrt', standin.make('11.4.0'))
    user.build()
    assert 'the version of TensorRT (10.13.3, now 11.4.0)' in user.said[-1]


def test_a_damaged_plan_is_rebuilt_once_with_the_reason(trt_now: Any, user: User) -> None:
    path = user.build()
    path.write_bytes(path.read_bytes()[:-5])
    user.load()
    assert trt_now.world.builds == 2 and 'is damaged' in user.said[-1]
    user.load()
    assert trt_now.world.builds == 2


@pytest.mark.parametrize('content', [b'', b'{', b'[]', b'{"model": "two_layers"}'])
def test_a_damaged_description_is_rebuilt(trt_now: Any, user: User, content: bytes) -> None:
    path = user.build()
    path.with_suffix('.json').write_bytes(content)
    user.load()
    assert trt_now.world.builds == 2
    assert ('no readable description' in user.said[-1]
            or 'was built for something else' in user.said[-1])


def test_an_engine_copied_from_another_gpu_is_rebuilt(trt_now: Any, user: User) -> None:
    mine, other = user.build(), user.build(device=CpuDevice('Other GPU'))
    for suffix in ('.engine', '.json'):
        mine.with_suffix(suffix).write_bytes(other.with_suffix(suffix).read_bytes())
    user.load()
    assert 'was built for something else: the GPU (Other GPU 8.6, now Stand-in' in user.said[-1]


def test_a_plan_that_tensorrt_refuses_is_rebuilt_once_with_its_reason(
        trt_now: Any, user: User) -> None:
    user.build()
    trt_now.world.load_errors = ['the engine plan file is not compatible with this device']
    user.load()
    assert trt_now.world.builds == 2
    assert ('TensorRT refuses the one in the cache (the engine plan file is not compatible'
            in user.said[-1])
    trt_now.world.load_errors = ['no', 'never']
    with pytest.raises(ModelError, match=r'refuses the engine it has just built.*never'):
        user.load()
    assert trt_now.world.builds == 3


def test_no_room_to_load_is_no_reason_to_build_anew(trt_now: Any, user: User) -> None:
    user.build()
    trt_now.world.load_errors = ['CUDA failure 2: out of memory']
    with pytest.raises(OutOfMemoryError, match=r'no room to load two_layers.onnx'):
        user.load()
    assert trt_now.world.builds == 1


def test_a_build_that_fails_says_why_and_leaves_nothing(trt_now: Any, user: User) -> None:
    trt_now.world.build_error = 'Error Code 10: Could not find any implementation for node Conv'
    with pytest.raises(ModelError, match=r'cannot build two_layers.onnx: .*any implementation'):
        user.load()
    assert not list(user.folder.glob('engines/*.engine'))
    trt_now.world.build_error = 'Error Code 2: OutOfMemory (Requested size was 9000 bytes.)'
    with pytest.raises(OutOfMemoryError, match=r'no room to build .* a batch of 2'):
        user.load()


def test_unknown_operators_are_named(trt: Any, user: User) -> None:
    user.model = networks.unknown_operator(user.folder)
    with pytest.raises(ModelError, match=r'cannot read unknown.onnx: no importer for Frobnicate '
                                         r'\(node 1\); not supported: Frobnicate frob'):
        user.build(precision='fp32')
    user.said.clear()
    with pytest.raises(ModelError, match=r'cannot read unknown.onnx'):
        user.build(precision='fp16')  # cannot be tried in float16 either
    assert 'building in float32 instead' in user.said[-1]


def test_timings_are_kept_and_foreign_ones_replaced(trt_now: Any, user: User) -> None:
    user.build()
    timings, = user.folder.glob('engines/timings-Stand-in-3000-10.13.3.cache')
    assert timings.read_bytes() == b'timings'
    timings.write_bytes(b'of another driver')
    user.build(precision='fp32')
    assert timings.read_bytes() == b'timings'


def test_ctrl_c_stops_a_build(
        trt_now: Any, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr('neuropose_ros.inference.tensorrt.progress.tqdm', interrupt)
    with pytest.raises(KeyboardInterrupt):
        user.build()
    assert not list(user.folder.glob('engines/*.engine'))


def test_a_ready_engine_needs_no_right_to_write(trt_now: Any, user: User) -> None:
    user.build()
    folder = user.folder / 'engines'
    (folder / '.lock').unlink()
    user.load()
    assert not (folder / '.lock').exists()  # it was not even opened


@pytest.mark.parametrize(('content', 'words'), [
    (b'<html>login</html>', 'is not a readable ONNX file'), (None, 'is not a readable ONNX file')])
def test_what_is_no_network_is_said(
        trt_now: Any, user: User, content: bytes | None, words: str) -> None:
    user.model = user.folder / 'page.onnx'
    if content is not None:
        user.model.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        user.build()


def test_two_processes_build_one_engine_once(tmp_path: Path) -> None:
    networks.two_layers(tmp_path)
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(
        [str(root), os.environ.get('PYTHONPATH', '')])}
    command = [sys.executable, str(Path(__file__).with_name('build_slowly.py')), str(tmp_path)]
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / 'building').exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    second = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [json.loads(out) for out, _ in outputs] == [
        {'builds': 1, 'mean': [1, 2]}, {'builds': 0, 'mean': [1, 2]}]
    assert 'waiting: another process writes' in outputs[1][1]
    assert len(list(tmp_path.glob('engines/*.engine'))) == 1
