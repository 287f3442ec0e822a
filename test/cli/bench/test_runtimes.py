import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from neuropose_ros.cli.bench import import_time, runtimes
from neuropose_ros.cli.bench.runtimes import Subject, absent, measure, subjects
from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.inference.entry import Conversion, ModelEntry, PathSource
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.select import Choice

from ...inference import tiny_litert, tiny_onnx

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
CPU = [Choice('cpu', 'ONNX Runtime on the processor', '', True)]
LITERT = [*CPU, Choice('litert', 'LiteRT', '', True)]


def entry(**changes: object) -> ModelEntry:
    values = {
        'name': 'tiny', 'title': 'Tiny', 'kind': 'part', 'licence': 'MIT', 'format': 'tflite',
        'decoder': 'none', 'sha256': '0' * 64, 'outputs': {0: 'y'},
        'input': PictureInput(8, 8, channels='bgr', axes='nhwc', dtype='uint8'),
        'convert': Conversion(0.0, 1 / 255)}
    return ModelEntry(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with a published network and its ONNX form."""
    (tmp_path / 'published').mkdir()
    (tmp_path / 'models').mkdir()
    content = tiny_litert.logistic(batch=1, rest=(8, 8, 3))
    (tmp_path / 'published' / f'tiny-{"0" * 12}.tflite').write_bytes(content)
    runtimes.model_path(entry(), tmp_path).write_bytes(tiny_onnx.logistic_of_bgr(1 / 255))
    return tmp_path


def test_networks_are_found_in_the_data_and_in_the_cache(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / 'data' / 'models' / 'tiny_onnx'
    folder.mkdir(parents=True)
    for name in ('net.onnx', 'net.tflite', 'LICENSE'):
        (folder / name).write_bytes(b'')
    (folder / 'gone.onnx').symlink_to(tmp_path / 'nowhere')
    (folder / 'folder.onnx').mkdir()
    registry = {
        'own': entry(name='own', sources=(PathSource(tmp_path / 'gone.tflite'),)),
        'tiny': entry(), 'tiny-onnx': entry(name='tiny-onnx', sha256='1' * 64),
        'both': entry(name='both', parts=('tiny',))}
    found = subjects(tmp_path / 'data', cache, registry)
    assert [(subject.name, subject.path.name) for subject in found[:2]] == [
        ('tiny-onnx', 'net.onnx'), ('tiny-onnx', 'net.tflite')]
    assert found[0].entry is registry['tiny-onnx']
    assert [subject.name for subject in found[2:]] == ['tiny']
    assert found[2].published and found[2].published.is_file()


@pytest.mark.parametrize(('content', 'said'), [
    (tiny_onnx.network(
        [helper.make_node('Add', ['x', 'z'], ['y'])],
        {'x': (TensorProto.FLOAT, (1, 3, 8, 8)), 'z': (TensorProto.FLOAT, (1, 3, 8, 8))},
        {'y': (TensorProto.FLOAT, (1, 3, 8, 8))}), 'it has 2 inputs, not one picture'),
    (tiny_onnx.doubling((1, 3, 8, 8), TensorProto.INT64), 'its input x is no picture: int64'),
    (tiny_onnx.network(
        [helper.make_node('Log', ['x'], ['l']), helper.make_node('Neg', ['l'], ['y'])],
        {'x': (TensorProto.FLOAT, (1, 3, 8, 8))}, {'y': (TensorProto.FLOAT, (1, 3, 8, 8))}),
     'outputs that are no numbers'),
])
def test_what_cannot_be_compared_is_a_note(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / 'net.onnx').write_bytes(content)
    black = np.zeros((8, 8, 3), np.uint8)
    [row] = measure(Subject('net', tmp_path / 'net.onnx'), CPU, black, 1, 1)
    assert said in row.note and row.max_abs_difference is None


def test_the_processor_is_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / 'net.onnx'
    path.write_bytes(tiny_onnx.doubling(('n', 3, 'h', 8)))
    (row,) = measure(Subject('net', path), CPU, PICTURE, 1, 2)
    assert (row.name, row.baseline, row.threads) == ('onnxruntime-cpu', 'onnxruntime-cpu', 1)
    assert row.max_abs_difference == 0
    assert row.largest_value == 2 * max(int(PICTURE.max()), 114)
    assert row.ms and row.ms > 0 and row.cpu_ms is not None


def test_the_published_file_is_compared_with_what_it_became(cache: Path) -> None:
    pytest.importorskip('ai_edge_litert', reason='LiteRT is not installed (optional)')
    (subject,) = subjects(None, cache, {'tiny': entry()})
    onnx, litert = measure(subject, LITERT, PICTURE, 1, 2)
    assert (onnx.name, litert.name) == ('onnxruntime-cpu', 'litert-cpu')
    assert litert.baseline == 'onnxruntime-cpu'
    assert litert.largest_value and 0.5 < litert.largest_value < 1
    assert litert.max_abs_difference is not None
    assert litert.max_abs_difference < 1e-5
    assert 'published' in litert.note


def test_without_an_onnx_form_nothing_is_compared(tmp_path: Path) -> None:
    pytest.importorskip('ai_edge_litert', reason='LiteRT is not installed (optional)')
    path = tmp_path / 'net.tflite'
    path.write_bytes(tiny_litert.logistic(rest=(8, 8, 3)))
    (row,) = measure(Subject('net', path), LITERT, PICTURE, 1, 1)
    assert row.ms and row.max_abs_difference is None
    assert row.baseline.startswith('none')


def test_what_does_not_load_is_a_row_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / 'net.onnx'
    path.write_bytes(b'not a network')
    (row,) = measure(Subject('net', path), CPU, PICTURE, 1, 1)
    assert row.ms is None and 'cannot load net.onnx' in row.note


def test_absent_runtimes_have_a_reason() -> None:
    choices = [
        Choice('tensorrt', 'TensorRT', 'no driver', False),
        Choice('tensorrt', 'ONNX Runtime on TensorRT', 'not in it', False),
        Choice('openvino', 'OpenVINO', 'not installed', False),
        Choice('openvino', 'ONNX Runtime on OpenVINO', '', True), *CPU]
    assert absent(choices) == {'tensorrt': 'no driver'}


def test_the_command_prints_one_object(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(runtimes, 'load_registry', lambda: {'tiny': entry()})
    monkeypatch.setenv('NEUROPOSE_CACHE', str(cache))
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    monkeypatch.setattr(import_time, 'TARGETS', ('neuropose_ros.core.errors',))
    assert main(['bench', 'runtimes', '--json', '--rounds', '1']) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report['rows'][0]['model'] == 'tiny'
    assert report['rows'][0]['max_abs_difference'] == 0
    assert set(report) == {'threads', 'picture', 'rows', 'absent', 'import_ms'}
    assert 0 < report['import_ms']['neuropose_ros.core.errors'] < 60_000
    assert all(report['absent'].values())
    monkeypatch.setattr(runtimes, 'load_registry', dict)
    assert main(['bench', 'runtimes']) == 2
    assert 'no network to measure' in capsys.readouterr().err


def test_the_package_imports_where_nothing_optional_is_installed() -> None:
    costs = import_time.import_ms('neuropose_ros.pose.create')
    assert {'numpy', 'neuropose_ros'} <= set(costs)
    assert not set(import_time.OPTIONAL) & set(costs)


def test_what_needs_something_optional_is_said() -> None:
    script = import_time._IMPORT.replace('sys.argv[1]', "'torch.nn'")
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in done.stderr
    with pytest.raises(NeuroposeError, match='does not import without torch'):
        import_time.import_ms('neuropose_ros.inference.ops.torch')
