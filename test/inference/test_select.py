"""The choice itself is tested with labelled stand-ins for runtimes; loading with real ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference import select
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.runtime import TensorSpec
from neuropose_ros.inference.select import RUNTIMES, create_runtime, explain

from . import tiny_onnx


class StandIn:
    """Stands in for a loaded network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs = (TensorSpec('x', (None, 3, 256, 192), 'float32'),)
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def candidate(runtime: str, missing: str = '', error: str = '') -> select._Candidate:
    def load(model: Path, wish: object) -> StandIn:
        if error:
            raise ModelError(error)
        return StandIn(runtime)

    return select._Candidate(runtime, f'the {runtime} stand-in', lambda: missing, load)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, '_SAID', select._Said())


def offer(monkeypatch: pytest.MonkeyPatch, *candidates: select._Candidate) -> None:
    monkeypatch.setattr(select, '_FOR_ONNX', candidates)


def test_auto_takes_the_first_that_is_there_and_says_why_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, candidate('tensorrt', 'no driver'), candidate('tensorrt', 'not in it'),
          candidate('cuda', 'no CUDA'), candidate('openvino'), candidate('cpu'))
    said: list[str] = []
    for model in ('a.onnx', 'a.onnx', 'b.onnx'):
        assert create_runtime(Path(model), announce=said.append).name == 'openvino'
    assert said == [
        'a.onnx runs with the openvino stand-in (TensorRT: no driver; CUDA: no CUDA)',
        'b.onnx runs with the openvino stand-in']


def test_one_that_fails_to_load_is_passed_over_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, candidate('tensorrt', error='no plan could be made'), candidate('cpu'))
    said: list[str] = []
    assert create_runtime(Path('a.onnx'), announce=said.append).name == 'cpu'
    assert said == [
        'no plan could be made; a.onnx is tried with the cpu stand-in instead',
        'a.onnx runs with the cpu stand-in (TensorRT: did not load a.onnx)']


def test_the_last_failure_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, candidate('tensorrt', error='first'), candidate('cpu', error='second'))
    with pytest.raises(ModelError, match=r'^second$'):
        create_runtime(Path('a.onnx'), announce=lambda sentence: None)


def test_what_is_asked_for_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, candidate('tensorrt', 'no driver'), candidate('cpu'))
    with pytest.raises(ModelError, match=r'^a\.onnx cannot be run: TensorRT: no driver$'):
        create_runtime(Path('a.onnx'), runtime='tensorrt')


def test_a_picture_that_does_not_fit_is_refused_and_the_network_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = StandIn('cpu')
    offer(monkeypatch, select._Candidate('cpu', 'it', lambda: '', lambda model, wish: made))
    create_runtime(
        Path('a.onnx'), input=PictureInput(192, 256), announce=lambda sentence: None)
    assert not made.is_closed
    with pytest.raises(ModelError, match='not pictures of 100x256 px'):
        create_runtime(Path('a.onnx'), input=PictureInput(100, 256))
    assert made.is_closed


@pytest.mark.parametrize(('model', 'options', 'said'), [
    ('a.onnx', {'runtime': 'gpu'}, "unknown runtime 'gpu'; known are auto, tensorrt"),
    ('a.onnx', {'precision': 'int4'}, "unknown precision 'int4'"),
    ('a.onnx', {'runtime': 'litert'}, r'a\.onnx does not run with litert'),
    ('a.tflite', {'runtime': 'cuda'}, r'a\.tflite does not run with cuda: .*with litert$'),
])
def test_a_wrong_wish_is_named(model: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        create_runtime(Path(model), **options)


def test_explain_names_every_runtime_and_takes_one_for_each_format() -> None:
    choices = explain()
    assert {choice.runtime for choice in choices} == set(RUNTIMES) - {'auto'}
    onnx = [choice for choice in choices if choice.runtime != 'litert']
    assert [choice.taken for choice in onnx].count(True) == 1
    assert next(choice for choice in onnx if not choice.missing).taken


def test_explain_takes_the_first_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, candidate('tensorrt', 'no driver'), candidate('openvino'),
          candidate('cpu'))
    assert [(choice.missing, choice.taken) for choice in explain()[:3]] == [
        ('no driver', False), ('', True), ('', False)]


def test_a_real_network_runs_with_what_auto_took(tmp_path: Path) -> None:
    path = tmp_path / 'doubling.onnx'
    path.write_bytes(tiny_onnx.doubling(('n', 3, 4, 4)))
    said: list[str] = []
    runtime = create_runtime(
        path, input=PictureInput(4, 4), threads=1, announce=said.append)
    x = np.ones((2, 3, 4, 4), np.float32)
    np.testing.assert_array_equal(runtime.run({'x': x})['y'], 2 * x)
    taken = next(choice for choice in explain() if choice.taken)
    assert said[-1].startswith(f'doubling.onnx runs with {taken.title}')


def test_a_tflite_file_runs_with_litert_on_the_processor(tmp_path: Path) -> None:
    pytest.importorskip('ai_edge_litert', reason='LiteRT is not installed (optional)')
    for name in ('damaged.tflite', 'damaged.TFLITE'):
        path = tmp_path / name
        path.write_bytes(b'not a network')
        for runtime in ('auto', 'cpu', 'litert'):
            with pytest.raises(ModelError, match=f'LiteRT cannot load {name}'):
                create_runtime(path, runtime=runtime)


def test_without_litert_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(select.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ModelError, match=r'LiteRT: not installed \(pip install ai-edge-litert\)'):
        create_runtime(Path('a.tflite'))


def test_the_processor_needs_no_torch_tensorrt_openvino_or_litert(tmp_path: Path) -> None:
    """In a process of its own: load, crop, run and read; nothing optional is imported."""
    path = tmp_path / 'doubling.onnx'
    path.write_bytes(tiny_onnx.doubling(('n', 3, 4, 4)))
    script = f"""
import sys
from pathlib import Path
import numpy as np
from neuropose_ros.inference.batching import Batcher
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.inference.select import create_runtime
import neuropose_ros.cli.main, neuropose_ros.nodes.pose, neuropose_ros.pose.create
target = PictureInput(4, 4)
runtime = create_runtime(Path({str(path)!r}), runtime='cpu', input=target)
crops = runtime.ops.crops(
    Picture(np.zeros((9, 9, 3), np.uint8)).on(runtime.ops), np.eye(2, 3)[None], target)
Batcher(runtime).run(1, lambda part: runtime.run_on_device({{'x': crops[part]}}))
print(sorted({{'torch', 'tensorrt', 'openvino', 'ai_edge_litert', 'tensorflow', 'onnx'}}
             & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, '-c', script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == '[]'
