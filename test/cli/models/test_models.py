"""The commands on networks, on caches and lists made here; nothing is contacted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from onnx import TensorProto, helper

from neuropose_ros.cli.main import main
from neuropose_ros.cli.models.build import batches
from neuropose_ros.cli.models.list import markdown
from neuropose_ros.core.resources import config_folder
from neuropose_ros.inference.models import model_path
from neuropose_ros.inference.registry import load_registry

REGENERATE = 'put what `neuropose models list --markdown` prints at the end of docs/models.md'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ('NEUROPOSE_MODELS', 'XDG_CONFIG_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path / 'cache'))
    # A user's own cache stays alone, and no test waits for a server.
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    monkeypatch.setenv('NEUROPOSE_DOWNLOAD_LIMIT_S', '0.1')
    return tmp_path / 'cache'


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The user's folder, with two networks that read (1, 3, 8, 6) pictures."""
    folder = tmp_path / 'config' / 'neuropose'
    folder.mkdir(parents=True)
    (folder / 'my.onnx').write_bytes(network({'simcc_x': (1, 4, 12), 'simcc_y': (1, 4, 16)}))
    (folder / 'mine.onnx').write_bytes(network({'vector': (1, 32)}))
    (folder / 'models.yaml').write_text("""
my-pose:
  path: my.onnx
  decoder: simcc
  layout: {joints: nose left_ear right_ear tail, bones: [[nose, tail]]}
  input: {width: 6, height: 8, mean: 127.5, std: 127.5}
wrong-joints: {path: my.onnx, decoder: simcc, layout: coco17, input: {width: 6, height: 8}}
wrong-size: {path: my.onnx, decoder: simcc, layout: coco17, input: {width: 8, height: 6}}
my-scene: {path: mine.onnx, decoder: embedding, input: {width: 6, height: 8}}
gone: {path: gone.onnx, decoder: embedding, input: {width: 6, height: 8}}
""")
    return folder


def network(outputs: dict[str, tuple[int, ...]]) -> bytes:
    """Outputs of these shapes from a picture; zeros, for these are about shapes."""
    nodes = [helper.make_node('ReduceSum', ['image'], ['sum'], keepdims=0)]
    constants = []
    for name, shape in outputs.items():
        size = 1
        for side in shape:
            size *= side
        constants.append(helper.make_tensor(f'{name}_zeros', TensorProto.FLOAT, shape, [0] * size))
        nodes.append(helper.make_node('Mul', [f'{name}_zeros', 'sum'], [name]))
    graph = helper.make_graph(
        nodes, 'own', [helper.make_tensor_value_info('image', TensorProto.FLOAT, [1, 3, 8, 6])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in outputs.items()], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_the_list_says_what_is_here(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = model_path(load_registry()['blazepose-detector'], cache)
    here.parent.mkdir(parents=True)
    here.touch()
    assert main(['models', 'list']) == 0
    out = capsys.readouterr().out
    assert out.startswith(f'cache: {cache}\n')
    said = {line.split()[0]: line.split()[1] for line in out.splitlines() if line.startswith('  ')}
    assert said['blazepose-detector'] == 'here' and said['blazepose-landmarks'] == '-'
    assert said['blazepose'] == '-', 'one part of it is not enough'
    assert set(said) == set(load_registry())
    assert 'Apache-2.0' in out and 'AP 69.7, COCO val2017' in out


def test_the_list_as_json(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['models', 'list', '--json']) == 0
    entries = {entry['name']: entry for entry in json.loads(capsys.readouterr().out)}
    pose = entries['rtmpose-s']
    assert (pose['kind'], pose['layout'], pose['here'], pose['licence']) == (
        'pose', 'coco17', False, 'Apache-2.0')
    assert pose['published'][0]['value'] == 69.7 and pose['sha256'] == ''
    assert entries['my-pose']['here'] and entries['my-pose']['list'] == str(own / 'models.yaml')
    assert not entries['gone']['here']


@pytest.mark.parametrize(('name', 'code', 'said'), [
    ('my-pose', 0, 'fits the decoder simcc'),
    ('my-scene', 0, 'fits the decoder embedding'),
    ('wrong-joints', 1, r'does not fit: .*\(1, 17, .*simcc_x \(1, 4, 12\)'),
    ('wrong-size', 1, r'does not fit: .*takes \(1, 3, 8, 6\), not pictures of 8x6 px'),
    ('gone', 2, r'gone: path names .*gone\.onnx, where no file is'),
    ('rtmpose-s', 0, 'not here: neuropose models fetch rtmpose-s'),
    ('nobody', 2, "unknown model 'nobody'; known are blazepose"),
])
def test_show_says_whether_a_network_fits(
    own: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, said: str,
) -> None:
    assert main(['models', 'show', name]) == code
    out, errors = capsys.readouterr()
    assert re.search(said, out if code == 0 else errors)
    if name == 'my-pose':
        assert 'takes image: float32 (1, 3, 8, 6)' in out
        assert 'gives simcc_x: float32 (1, 4, 12)' in out and '4 of my-pose@' in out


def test_fetch_from_a_folder_then_verify(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    stick = tmp_path / 'stick'
    stick.mkdir()
    (stick / 'youtu-reid.onnx').write_bytes(network({'vector': (1, 8)}))
    (stick / 'yolox_tiny.onnx').write_bytes(network({'output': (1, 3549, 85)}))
    assert main(['models', 'fetch', 'youtu-reid', 'yolox-tiny', '--from', str(stick)]) == 2
    out, errors = capsys.readouterr()
    assert out == '' and 'youtu-reid.onnx is not the published file: its sha256 is' in errors
    assert 'yolox-tiny is pinned' in errors, 'the good one is here all the same'
    assert main(['models', 'fetch', 'yolox-tiny']) == 0
    path = Path(capsys.readouterr().out.strip().removeprefix('yolox-tiny: '))
    assert path.read_bytes() == (stick / 'yolox_tiny.onnx').read_bytes()

    assert main(['models', 'verify']) == 0
    assert re.fullmatch(r'  yolox-tiny  good  \S+\n', capsys.readouterr().out)
    path.write_bytes(b'x')
    assert main(['models', 'verify', '--no-fetch']) == 1
    assert re.search(r'yolox-tiny  DAMAGED  .* has the sha256 \w{64}, not \w{64}',
                     capsys.readouterr().out)
    assert main(['models', 'verify']) == 2, 'it cannot be had anew: there is no network'
    assert 'cannot be fetched' in capsys.readouterr().err and not path.exists()
    assert main(['models', 'verify']) == 0
    assert 'no network is here yet' in capsys.readouterr().out


def test_engines_are_built_for_the_batches_that_nodes_ask_for() -> None:
    registry = load_registry()
    asked = {'rtmpose-s': (20,), 'movenet-thunder': (20,), 'youtu-reid': (20,),
             'blazepose-landmarks': (1, 20), 'blazepose-detector': (1,), 'rtmo-s': (1,),
             'yolox-tiny': (1,), 'resnet50': (1,)}
    assert {name: batches(registry[name]) for name in asked} == asked


def test_fetch_takes_names_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['models', 'fetch', '--all', 'rtmpose-s']) == 2
    assert '--all and names exclude each other' in capsys.readouterr().err


def test_build_says_in_one_sentence_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert main(['models', 'build', 'rtmpose-s', '--precision', 'fp32']) == 2
    errors = capsys.readouterr().err
    assert errors == ('neuropose: engines cannot be built here: the Python package tensorrt is '
                      'not installed\n')


def test_the_page_has_the_list_that_the_package_has(source_root: Path) -> None:
    page = (source_root / 'docs' / 'models.md').read_text('utf-8')
    registry = load_registry(config_folder() / 'models.yaml')
    assert page.rstrip('\n').endswith(markdown(registry)), REGENERATE


def test_the_examples_of_the_page_are_entries_under_ten_lines(
    source_root: Path, own: Path,
) -> None:
    page = (source_root / 'docs' / 'models.md').read_text('utf-8')
    examples = re.findall(r'```yaml\n(.*?)```', page, re.S)
    assert len(examples) == 2
    for example in examples:
        assert len(example.splitlines()) < 10
        (own / 'models.yaml').write_text(example)
        [name] = yaml.safe_load(example)
        assert load_registry()[name].skeleton()


def test_the_page_names_every_decoder_and_layout(source_root: Path) -> None:
    from neuropose_ros.core.layouts import BUILT_IN
    from neuropose_ros.inference.entry_reading import DECODERS

    page = (source_root / 'docs' / 'models.md').read_text('utf-8')
    for name in {*DECODERS, *BUILT_IN} - {'blazepose-detector', 'blazepose-landmarks'}:
        assert f'`{name}`' in page, name
