"""Networks from addresses, npm and folders, pinned and verified; servers are on this machine."""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which

import onnx
import pytest
from onnx import TensorProto, helper

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference import download
from neuropose_ros.inference.entry import ModelEntry, NpmSource, PathSource, UrlSource
from neuropose_ros.inference.models import ensure_models, model_path, verify_models
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.pins import Pins

from . import tiny_litert
from .bad_server import BadServer


def network(scale: float = 2.0) -> bytes:
    """A network of one operator."""
    graph = helper.make_graph(
        [helper.make_node('Mul', ['image', 'scale'], ['out'])], 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor('scale', TensorProto.FLOAT, [], [scale])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, 'w') as archive:
        for name, content in members.items():
            archive.writestr(f'2023/rtm/{name}', content)
    return target.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BadServer]:
    for name in [name for name in os.environ if name.lower().endswith('_proxy')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('NEUROPOSE_DOWNLOAD_STALL_S', '5')
    running = BadServer()
    running.content = network()
    yield running
    running.stop()


@pytest.fixture
def entry(server: BadServer) -> ModelEntry:
    return ModelEntry(
        name='tiny', title='made for the tests', kind='pose', licence='MIT', format='onnx',
        decoder='heatmap', layout='coco17', input=PictureInput(4, 4),
        sources=(UrlSource(server.url('good'), name='tiny.onnx'),))


def test_a_network_without_a_sha256_is_pinned_once(
    server: BadServer, entry: ModelEntry, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    registry = {'tiny': entry}
    [path] = ensure_models('tiny', registry=registry, cache=tmp_path)
    assert path.read_bytes() == server.content
    assert f'tiny is pinned: only the file with the sha256 {sha256(server.content)}' in (
        capsys.readouterr().err)
    pin = Pins(tmp_path).of(entry)
    assert pin is not None and pin.sha256 == sha256(server.content)
    assert pin.source == server.url('good') and len(pin.date) == 10
    assert ensure_models('tiny', registry=registry, cache=tmp_path) == [path]
    assert server.requests['good'] == 1
    assert 'pinned' not in capsys.readouterr().err


def test_another_file_than_the_pinned_one_is_refused_with_both_sums(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry, first = {'tiny': entry}, server.content
    [path] = ensure_models('tiny', registry=registry, cache=tmp_path)
    path.unlink()
    server.content = network(3.0)
    with pytest.raises(ModelError) as raised:
        ensure_models('tiny', registry=registry, cache=tmp_path)
    said = str(raised.value)
    assert sha256(first) in said and sha256(server.content) in said
    assert 'remove tiny from models.lock.yaml' in said and '\n' not in said
    assert not path.exists()
    lock = tmp_path / 'models.lock.yaml'
    lock.write_text(lock.read_text().replace('tiny:', 'other:'))
    ensure_models('tiny', registry=registry, cache=tmp_path)
    assert path.read_bytes() == server.content


def test_a_published_sha256_is_held_from_the_first_time(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    wanted = replace(entry, sha256=sha256(network(5.0)))
    with pytest.raises(ModelError) as raised:
        ensure_models('tiny', registry={'tiny': wanted}, cache=tmp_path)
    assert 'is not the published file' in str(raised.value)
    assert wanted.sha256 in str(raised.value) and sha256(server.content) in str(raised.value)
    assert not list((tmp_path / 'downloads').iterdir())
    assert not model_path(wanted, tmp_path).exists()


@pytest.mark.parametrize('content', [b'{"message": "quota exceeded"}', b'', b'\x08\x08'])
def test_what_is_no_network_is_never_pinned(
    server: BadServer, entry: ModelEntry, tmp_path: Path, content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('neuropose_ros.inference.http.Limits.tries', 1)
    monkeypatch.setattr('neuropose_ros.inference.http.Limits.pause_s', 0.0)
    server.content = content
    (tmp_path / 'downloads').mkdir()
    (tmp_path / 'downloads' / 'tiny.onnx').write_bytes(content)
    with pytest.raises(ModelError, match=r'for tiny is no onnx network .*nothing was kept'):
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    assert not (tmp_path / 'models.lock.yaml').exists()


def test_a_tflite_file_that_is_cut_off_is_never_pinned(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    pytest.importorskip('ai_edge_litert', reason='LiteRT is not installed (optional)')
    light = replace(entry, format='tflite', sources=(
        UrlSource(server.url('endless'), name='tiny.tflite'),))
    server.content = tiny_litert.logistic()[:-100]
    with pytest.raises(ModelError, match=r'for tiny is no tflite network .*nothing was kept'):
        ensure_models('tiny', registry={'tiny': light}, cache=tmp_path)
    server.content = tiny_litert.logistic()
    assert ensure_models('tiny', registry={'tiny': light}, cache=tmp_path)


def test_a_member_is_found_at_any_depth(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    server.content = zipped(**{'end2end.onnx': network(), 'detail.json': b'{}'})
    inside = replace(entry, sources=(
        UrlSource(server.url('good'), '*end2end.onnx', 'tiny.zip'),))
    [path] = ensure_models('tiny', registry={'tiny': inside}, cache=tmp_path / 'a')
    assert path.read_bytes() == network()
    server.content = zipped(**{'end2end.onnx': network(), 'x/end2end.onnx': network(3.0)})
    with pytest.raises(ModelError, match=r'has 2 files \*end2end.onnx'):
        ensure_models('tiny', registry={'tiny': inside}, cache=tmp_path / 'b')
    server.content = zipped(**{'other.onnx': network()})
    with pytest.raises(ModelError, match=r'has no file \*end2end.onnx: it is not the published'):
        ensure_models('tiny', registry={'tiny': inside}, cache=tmp_path / 'c')


def test_the_second_source_helps_out_and_why_is_said(
    server: BadServer, entry: ModelEntry, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    both = replace(entry, sources=(
        UrlSource(server.url('login'), name='1.onnx'),
        UrlSource(server.url('good'), name='2.onnx')))
    ensure_models('tiny', registry={'tiny': both}, cache=tmp_path)
    said = capsys.readouterr().err
    assert (f'tiny comes from {server.url("good")}, because {server.url("login")} gives a web'
            in said)
    none = replace(entry, sources=(
        UrlSource(server.url('login'), name='1.onnx'),
        UrlSource(server.url('absent'), name='2.onnx')))
    with pytest.raises(ModelError, match=r'a web page instead .*; .*HTTP 404'):
        ensure_models('tiny', registry={'tiny': none}, cache=tmp_path / 'x')


def test_one_that_fails_does_not_hold_up_the_others(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    lost = replace(entry, name='lost', sources=(UrlSource(server.url('absent'), name='l.onnx'),))
    with pytest.raises(ModelError, match=r'HTTP 404.*put its file l.onnx into'):
        ensure_models('lost', 'tiny', registry={'lost': lost, 'tiny': entry}, cache=tmp_path)
    assert model_path(entry, tmp_path).is_file() and not model_path(lost, tmp_path).exists()


def test_of_two_processes_one_fetches_and_one_waits(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    slow = replace(entry, sources=(UrlSource(server.url('slow'), name='tiny.onnx'),))
    program = (
        'import pickle, sys; from pathlib import Path\n'
        'from neuropose_ros.inference.models import ensure_models\n'
        'entry = pickle.loads(bytes.fromhex(sys.argv[1]))\n'
        'print(ensure_models("tiny", registry={"tiny": entry}, cache=Path(sys.argv[2]))[0])\n')
    arguments = [sys.executable, '-c', program, pickle.dumps(slow).hex(), str(tmp_path)]
    root = str(Path(download.__file__).parents[2])
    environment = os.environ | {
        'PYTHONPATH': os.pathsep.join([root, os.environ.get('PYTHONPATH', '')])}
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=environment) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert said[0][0] == said[1][0] == f'{model_path(slow, tmp_path)}\n'
    assert server.requests['slow'] == 1
    assert sum('waiting: another process' in errors for _, errors in said) <= 1


def test_a_damaged_file_is_found_and_fetched_anew(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry = {'tiny': entry}
    [path] = ensure_models('tiny', registry=registry, cache=tmp_path)
    assert [item.state for item in verify_models(['tiny'], registry, tmp_path)] == ['good']
    path.write_bytes(path.read_bytes()[:-1] + b'\x00')
    [verdict] = verify_models(['tiny'], registry, tmp_path, fetch=False)
    assert verdict.state == 'damaged' and sha256(server.content) in verdict.detail
    assert path.read_bytes() != server.content
    assert [item.state for item in verify_models(['tiny'], registry, tmp_path)] == ['damaged']
    assert path.read_bytes() == server.content and server.requests['good'] == 2
    path.write_bytes(b'')
    server.content = network(3.0)
    with pytest.raises(ModelError, match='is not the file that was pinned'):
        verify_models(['tiny'], registry, tmp_path)
    assert not path.exists(), 'a damaged file is not used any more'
    assert [item.state for item in verify_models(['tiny'], registry, tmp_path)] == ['absent']


def test_a_damaged_file_is_never_loaded(
    server: BadServer, entry: ModelEntry, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    registry = {'tiny': entry}
    [path] = ensure_models('tiny', registry=registry, cache=tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b'\x00')
    ensure_models('tiny', registry=registry, cache=tmp_path)
    assert path.read_bytes() == server.content and server.requests['good'] == 2
    assert f'tiny is made anew: {path} has the sha256 ' in capsys.readouterr().err
    ensure_models('tiny', registry=registry, cache=tmp_path)
    assert server.requests['good'] == 2
    path.write_bytes(b'')
    server.content = network(3.0)
    with pytest.raises(ModelError, match='is not the file that was pinned'):
        ensure_models('tiny', registry=registry, cache=tmp_path)


def test_without_its_pin_the_authors_new_file_comes(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    [path] = ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    server.content = network(3.0)
    (tmp_path / 'models.lock.yaml').unlink()
    assert ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path) == [path]
    assert path.read_bytes() == server.content


def test_what_a_killed_process_left_goes(
    entry: ModelEntry, tmp_path: Path,
) -> None:
    left = tmp_path / 'downloads' / '.part-killed'
    left.mkdir(parents=True)
    (left / 'half.whl').write_bytes(b'half')
    (tmp_path / 'published').mkdir()
    (tmp_path / 'published' / '.part-half').write_bytes(b'half')
    ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    assert not list((tmp_path / 'downloads').iterdir())
    assert [path.suffix for path in (tmp_path / 'published').iterdir()] == ['.onnx']


def test_a_broken_lock_file_is_named(entry: ModelEntry, tmp_path: Path) -> None:
    for content in ('{', '- a', 'tiny: 1', 'tiny: {sha256: x}', 'tiny: {colour: x}'):
        (tmp_path / 'models.lock.yaml').write_text(content)
        with pytest.raises(ModelError, match=r'models.lock.yaml cannot be read \(') as raised:
            Pins(tmp_path)
        assert '\n' not in str(raised.value)


def test_carried_files_are_known_by_their_sum_whatever_their_name(
    entry: ModelEntry, tmp_path: Path,
) -> None:
    known = replace(entry, sha256=sha256(network()),
                    sources=(UrlSource('http://127.0.0.1:9/x', name='x.onnx'),))
    stick = tmp_path / 'stick' / 'deep'
    stick.mkdir(parents=True)
    (stick / 'whatever.onnx').write_bytes(network())
    (stick.parent / 'tiny.onnx').write_bytes(network(9.0))
    [path] = ensure_models(
        'tiny', registry={'tiny': known}, cache=tmp_path / 'cache', carried=stick.parent)
    assert path.read_bytes() == network()


def test_carried_files_without_a_sum_are_known_by_their_name_and_pinned(
    entry: ModelEntry, tmp_path: Path,
) -> None:
    unknown = replace(entry, sources=(
        UrlSource('http://127.0.0.1:9/rtm.zip', '*end2end.onnx'),))
    stick, cache, registry = tmp_path / 'stick', tmp_path / 'cache', {'tiny': unknown}
    stick.mkdir()
    (stick / 'other.onnx').write_bytes(network(7.0))
    with pytest.raises(ModelError, match=r'has no tiny.onnx or rtm.zip for tiny'):
        ensure_models('tiny', registry=registry, cache=cache, carried=stick)
    (stick / 'rtm.zip').write_bytes(zipped(**{'end2end.onnx': network()}))
    [path] = ensure_models('tiny', registry=registry, cache=cache, carried=stick)
    assert path.read_bytes() == network()
    pin = Pins(cache).of(unknown)
    assert pin is not None and pin.source == str(stick / 'rtm.zip')
    path.unlink()
    (stick / 'rtm.zip').write_bytes(zipped(**{'end2end.onnx': network(3.0)}))
    with pytest.raises(ModelError, match='is not the file that was pinned'):
        ensure_models('tiny', registry=registry, cache=cache, carried=stick)
    with pytest.raises(ModelError, match='nowhere is not a folder'):
        ensure_models('tiny', registry=registry, cache=cache, carried=tmp_path / 'nowhere')


def test_a_file_of_the_users_own_is_used_where_it_lies(
    entry: ModelEntry, tmp_path: Path,
) -> None:
    own = replace(entry, sources=(PathSource(tmp_path / 'my.onnx'),), origin=tmp_path / 'm.yaml')
    with pytest.raises(ModelError, match=r'm.yaml: entry tiny: path names .*my.onnx, where no'):
        ensure_models('tiny', registry={'tiny': own}, cache=tmp_path / 'cache')
    (tmp_path / 'my.onnx').write_bytes(network())
    assert ensure_models('tiny', registry={'tiny': own}, cache=tmp_path / 'cache') == [
        tmp_path / 'my.onnx']
    assert not (tmp_path / 'cache').exists()
    (tmp_path / 'cache').mkdir()
    [verdict] = verify_models(['tiny'], {'tiny': own}, tmp_path / 'cache')
    assert verdict.state == 'own' and not (tmp_path / 'cache' / '.lock').exists()
    wrong = replace(own, sha256='0' * 64)
    gone = replace(own, name='gone', sources=(PathSource(tmp_path / 'gone.onnx'),))
    verdicts = verify_models(
        ['tiny', 'gone'], {'tiny': wrong, 'gone': gone}, tmp_path / 'cache')
    assert [item.state for item in verdicts] == ['wrong', 'wrong']
    assert 'gone.onnx, where no file is' in verdicts[1].detail
    with pytest.raises(ModelError, match=f'my.onnx has the sha256 {sha256(network())}, not 000'):
        ensure_models('tiny', registry={'tiny': wrong}, cache=tmp_path / 'cache')


def test_parts_give_their_files_in_order(
    server: BadServer, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry = {'tiny': entry, 'twin': replace(entry, name='twin'),
                'both': replace(entry, name='both', sources=(), parts=('twin', 'tiny'))}
    paths = ensure_models('both', registry=registry, cache=tmp_path)
    assert [path.name.partition('-')[0] for path in paths] == ['twin', 'tiny']
    assert server.requests['good'] == 1


class NpmIndex(ThreadingHTTPServer):
    """A JavaScript package index on this machine that has one package."""

    def __init__(self) -> None:
        target = io.BytesIO()
        with tarfile.open(fileobj=target, mode='w:gz') as archive:
            package = b'{"name": "neuropose-tiny", "version": "1.0.0"}'
            for name, content in (('package.json', package), ('tiny.onnx', network())):
                info = tarfile.TarInfo(f'package/{name}')
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        self.archive, self.downloads = target.getvalue(), 0
        super().__init__(('127.0.0.1', 0), _NpmHandler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _NpmHandler(BaseHTTPRequestHandler):
    server: NpmIndex

    def do_GET(self) -> None:
        here = f'http://127.0.0.1:{self.server.server_port}'
        if self.path.endswith('.tgz'):
            self.server.downloads += 1
            content, kind = self.server.archive, 'application/octet-stream'
        else:
            digest = hashlib.sha1(self.server.archive).hexdigest()
            content, kind = json.dumps({
                'name': 'neuropose-tiny', 'dist-tags': {'latest': '1.0.0'},
                'versions': {'1.0.0': {
                    'name': 'neuropose-tiny', 'version': '1.0.0',
                    'dist': {'tarball': f'{here}/neuropose-tiny-1.0.0.tgz', 'shasum': digest}}},
            }).encode(), 'application/json'
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


NPM = NpmSource('neuropose-tiny@1.0.0', 'neuropose-tiny-1.0.0.tgz', 1, 'package/tiny.onnx')


@pytest.mark.skipif(which('npm') is None, reason='needs npm')
def test_npm_fetches_one_package_once(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = NpmIndex()
    monkeypatch.setenv('npm_config_registry', f'http://127.0.0.1:{index.server_port}/')
    monkeypatch.setenv('npm_config_userconfig', os.devnull)
    packed = replace(entry, sources=(NPM,))
    registry = {'tiny': packed, 'twin': replace(packed, name='twin')}
    paths = ensure_models('tiny', 'twin', registry=registry, cache=tmp_path)
    assert [path.read_bytes() for path in paths] == [network()] * 2
    assert index.downloads == 1
    assert not list((tmp_path / 'downloads').iterdir())
    index.shutdown()
    index.server_close()


def test_without_npm_the_sentence_says_what_to_do(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    packed = replace(entry, sources=(NPM,))
    with pytest.raises(ModelError) as raised:
        ensure_models('tiny', registry={'tiny': packed}, cache=tmp_path)
    said = str(raised.value)
    assert 'apt install npm' in said and str(tmp_path / 'downloads') in said
    assert 'neuropose-tiny-1.0.0.tgz' in said and '\n' not in said
