from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from neuropose_ros.cli.bench import edge, edge_models
from neuropose_ros.cli.bench.edge_environment import EdgeEnvironment, install, megabytes
from neuropose_ros.cli.bench.edge_start import measure_start
from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import ModelError, NeuroposeError
from neuropose_ros.inference.models import ensure_models

# What the requirements bring, by the names under which Python finds it; flatbuffers and the like
# are what ONNX Runtime needs.
WANTED = ('numpy', 'onnxruntime', 'cv2', 'yaml', 'tqdm')
HEAVY = ('torch', 'matplotlib', 'scipy', 'av', 'onnx', 'tflite', 'pandas', 'pyarrow', 'sympy')


@pytest.fixture(scope='module')
def environment(tmp_path_factory: pytest.TempPathFactory, source_root: Path) -> EdgeEnvironment:
    """The requirements as if installed: their names, while the code is that of this Python."""
    packages = tmp_path_factory.mktemp('packages')
    lines = (source_root / 'requirements-edge.txt').read_text().splitlines()
    names = [line.partition('>')[0] for line in lines if line and not line.startswith('#')]
    for name in (*names, 'flatbuffers', 'packaging', 'protobuf', 'coloredlogs', 'humanfriendly'):
        folder = packages / f'{name.replace("-", "_")}-1.dist-info'
        folder.mkdir()
        (folder / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 1\n')
    return EdgeEnvironment(packages, tmp_path_factory.mktemp('scratch'))


@pytest.fixture(scope='module')
def blazepose() -> None:
    """The network of the default graph; skipped where it cannot be fetched."""
    try:
        ensure_models('blazepose')
    except ModelError as error:
        if 'cannot be fetched' not in str(error):
            raise
        pytest.skip(f'needs the published networks: {error}')


def python(environment: EdgeEnvironment, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, '-c', script], env=environment.variables(),
                          capture_output=True, text=True, check=False)


def test_what_is_not_required_is_refused_and_the_rest_is_not(
    environment: EdgeEnvironment,
) -> None:
    refused = environment.refused()
    assert 'pytest' in refused and not set(WANTED) & refused
    done = python(environment, 'import numpy, pytest')
    assert "No module named 'pytest'" in done.stderr
    assert 'pytest' not in environment.refused(['pytest'])


def test_the_graph_imports_nothing_that_a_small_computer_lacks(
    environment: EdgeEnvironment,
) -> None:
    pytest.importorskip('rclpy', reason='needs ROS 2')
    done = python(environment, (
        'import sys\n'
        'from neuropose_ros.nodes import camera, composed\n'
        'from neuropose_ros.sources import folder, webcam\n'
        'from neuropose_ros.learning.pose_training import deploy\n'  # of a network of one's own
        f'print(*({{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r})))'))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ''


@pytest.fixture
def variables(environment: EdgeEnvironment, ros_domain: int) -> dict[str, str]:
    pytest.importorskip('rclpy', reason='needs ROS 2')
    return environment.variables() | {
        'ROS_DOMAIN_ID': str(ros_domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


def test_the_whole_graph_gives_a_pose_without_them(
    variables: dict[str, str], blazepose: None,
) -> None:
    start = measure_start(['--source', 'synthetic:walk'], variables, seconds=1.0)
    assert start.first_pose_cpu_s > 0 and 0 < start.first_pose_s < 60
    assert 100 < start.pss_mb <= start.peak_mb < edge.MOST_MB
    assert start.rate_hz > 0 and start.cpu_ms > 0


def test_a_graph_that_ends_says_why(variables: dict[str, str]) -> None:
    with pytest.raises(NeuroposeError, match=r'ended before the first pose(.|\n)*no-such-thing'):
        measure_start(['--source', 'no-such-thing'], variables, seconds=1.0)


def test_sizes_are_those_of_the_files_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / 'a').write_bytes(bytes(300_000))
    folder = tmp_path / '__pycache__'
    folder.mkdir()
    for tag in (sys.implementation.cache_tag, 'another-3'):
        (folder / f'a.{tag}.pyc').write_bytes(bytes(100_000))
    assert megabytes([tmp_path]) == pytest.approx(0.4, abs=0.02)
    assert megabytes([tmp_path / 'a']) == pytest.approx(0.3, abs=0.01)


def test_where_nothing_can_be_installed_pip_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ('PIP_NO_INDEX', 'PIP_NO_CACHE_DIR'):
        monkeypatch.setenv(name, '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(tmp_path))
    monkeypatch.setenv('PIP_CONFIG_FILE', '/dev/null')
    with pytest.raises(NeuroposeError, match=r'cannot install requirements-edge.txt: ERROR'):
        install(tmp_path)


@pytest.fixture
def pictures(tmp_path: Path) -> edge_models.Pictures:
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3)).astype(np.uint8)
    np.save(tmp_path / 'pictures.npy', images)
    return edge_models.Pictures(tmp_path / 'pictures.npy', frames=3, warm_up=1)


def simcc() -> bytes:
    """A network that takes pictures and answers along x and along y."""
    size, kind = 16, TensorProto.FLOAT
    weight = np.random.default_rng(1).normal(0, 1, (2, 3, 3, 3))
    graph = helper.make_graph(
        [helper.make_node('Conv', ['pictures', 'weight'], ['maps'], pads=[1, 1, 1, 1]),
         helper.make_node('ReduceMean', ['maps'], ['simcc_x'], axes=[2], keepdims=0),
         helper.make_node('ReduceMean', ['maps'], ['simcc_y'], axes=[3], keepdims=0)],
        'simcc', [helper.make_tensor_value_info('pictures', kind, ('people', 3, size, size))],
        [helper.make_tensor_value_info(name, kind, ('people', 2, size))
         for name in ('simcc_x', 'simcc_y')],
        [helper.make_tensor('weight', kind, weight.shape, weight.ravel().tolist())])
    made: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8).SerializeToString()
    return made


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as `neuropose export` writes it, with an int8 variant beside the model."""
    folder = tmp_path / 'exported'
    folder.mkdir()
    entries = ''
    for name in ('mine', 'mine-int8'):
        (folder / f'{name}.onnx').write_bytes(simcc())
        entries += (
            f'{name}:\n  path: {name}.onnx\n  licence: MIT\n  decoder: simcc\n'
            '  layout: {name: pair, joints: [a, b], bones: [[a, b]], mirror: []}\n'
            '  input: {width: 16, height: 16}\n  outputs: [simcc_x, simcc_y]\n')
    (folder / 'entry.yaml').write_text(entries)
    return folder


def test_exported_variants_are_taken_and_others_made(
    pictures: edge_models.Pictures, exported: Path, tmp_path: Path,
) -> None:
    registry = edge.load_registry(exported / 'entry.yaml')
    found = edge_models.variants('mine', registry, pictures, tmp_path)
    assert [(each.precision, each.name) for each in found] == [
        ('float32', 'mine'), ('int8', 'mine-int8')]
    alone = {'mine': registry['mine']}
    made = edge_models.variants('mine', alone, pictures, tmp_path)
    assert [each.precision for each in made] == list(edge_models.PRECISIONS)
    assert all(each.replaced['mine'].is_file() for each in made[1:] if each.name)
    assert all(each.note for each in made[1:])  # who made it, or why it could not be


def test_joints_are_compared_where_both_see_somebody() -> None:
    truth = [[[[0.0, 0.0], [30.0, 40.0]]], [], [[[0.0, 0.0], [3.0, 4.0]]]]
    moved = [[[[0.0, 5.0], [30.0, 45.0]]], [[[1.0, 1.0], [2.0, 2.0]]], []]
    assert edge_models.deviation(moved, truth) == pytest.approx(0.1)
    assert edge_models.deviation([[]], [[]]) is None
    nan = float('nan')
    missing = [[[[nan, nan], [nan, nan]]], [], [[[0.0, 0.0], [nan, nan]]]]
    assert edge_models.deviation(missing, truth) == 0
    assert edge_models.deviation(truth[:1], missing[:1]) is None


def test_a_model_that_fails_is_a_row_with_its_reason() -> None:
    def run(variant: edge_models.Variant, threads: int) -> dict[str, Any]:
        if threads == 2:
            raise NeuroposeError('it does not run')
        return {'ms': 1.0, 'joints': [[[[0.0, 0.0], [3.0, 4.0]]]]}

    found = [edge_models.Variant('a', 'float32', 'a'),
             edge_models.Variant('a', 'int8', '', note='cannot be made')]
    rows = edge_models.rows(found, (1, 2), run)
    assert [(row['precision'], row['threads'], row.get('ms'), row['note']) for row in rows] == [
        ('float32', 1, 1.0, ''), ('float32', 2, None, 'it does not run'),
        ('int8', 1, None, 'cannot be made'), ('int8', 2, None, 'cannot be made')]
    assert rows[0]['deviation'] == 0


def test_what_is_not_here_is_left_out_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path / 'nothing'))
    assert 'models fetch blazepose' in edge_models.missing(
        'blazepose', edge.load_registry())
    assert edge_models.missing('nobody', {}) == 'not in the list of models'
    assert main(['bench', 'edge', '--starts', '0']) == 2
    assert main(['bench', 'edge', '--packages', str(tmp_path / 'nowhere')]) == 2
    assert 'nowhere is no folder' in capsys.readouterr().err


def test_the_worker_answers_for_a_model(
    environment: EdgeEnvironment, pictures: edge_models.Pictures, blazepose: None,
) -> None:
    reply = edge_models.measure(
        edge_models.Variant('blazepose', 'float32', 'blazepose'), 1, pictures, environment, [],
        None)
    assert json.dumps(reply) and len(reply['joints']) == 3
    assert reply['ms'] > 0 and reply['cpu_ms'] > 0 and reply['peak_mb'] > 30
