"""The published bindings of TensorRT, without TensorRT: fetched once, never part of the project.

The bindings are a shared library that needs NVIDIA's libraries, which need a GPU's driver. They
load all the same when libraries of those names hold the functions that they look for; a C
compiler makes such empty ones in a moment. Nothing can run, but all names and signatures are
there.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.inference.cache import cache_folder, locked

PUBLISHED = {
    '8.6.1': 'tensorrt-bindings==8.6.1',
    '10.0.1': 'tensorrt-cu12-bindings==10.0.1',
    '10.13.3': 'tensorrt-cu12-bindings==10.13.3.9',
    '10.16.1': 'tensorrt-cu13-bindings==10.16.1.11',
    '11.4.0': 'tensorrt-cu13-bindings==11.4.0.106',
}
_LIBRARIES = ('nvinfer', 'nvinfer_plugin', 'nvonnxparser', 'nvparsers')
_FACTORIES = (
    'createInferBuilder_INTERNAL', 'createInferRefitter_INTERNAL', 'createInferRuntime_INTERNAL',
    'createNvOnnxParser_INTERNAL', 'createNvOnnxParserRefitter_INTERNAL',
    'getBuilderPluginRegistry', 'getNvOnnxParserVersion', 'getPluginRegistry',
    'initLibNvInferPlugins')
# 8.6 looks for those of its Caffe and UFF parsers too.
_FACTORIES_8 = (
    '_ZN11nvuffparser15createUffParserEv', '_ZN14nvcaffeparser117createCaffeParserEv',
    '_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi',
    '_ZN14nvcaffeparser123shutdownProtobufLibraryEv')
_FETCH_S = 90


def describe(version: str) -> dict[str, Any]:
    """Return what describe_bindings.py finds in a version's bindings.

    Skips the test where they cannot be had, with the reason.
    """
    folder = cache_folder() / 'tests' / 'tensorrt' / (
        f'{version}-cp{sys.version_info.major}{sys.version_info.minor}-{platform.machine()}')
    if not (folder / 'complete').exists():
        with locked(folder):
            if not (folder / 'complete').exists():
                _fetch(version, folder)
                _compile(version, folder)
                (folder / 'complete').touch()
    root = Path(__file__).resolve().parents[3]
    environment = {
        **os.environ, 'LD_LIBRARY_PATH': str(folder / 'lib'),
        'PYTHONPATH': os.pathsep.join(
            [str(folder), str(root), os.environ.get('PYTHONPATH', '')])}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name('describe_bindings.py'))],
        env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _fetch(version: str, folder: Path) -> None:
    try:
        done = subprocess.run(
            [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps',
             '--only-binary=:all:', '--retries', '0', '--timeout', '10', '--dest', str(folder),
             PUBLISHED[version]],
            capture_output=True, text=True, timeout=_FETCH_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f'{PUBLISHED[version]} did not arrive within {_FETCH_S} s')
    wheels = list(folder.glob('*.whl'))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ['no reason given'])[-1]
        pytest.skip(f'{PUBLISHED[version]} cannot be fetched for this Python and machine: {last}')
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)
    wheels[0].unlink()


def _compile(version: str, folder: Path) -> None:
    compiler = shutil.which('gcc') or shutil.which('cc')
    if compiler is None:
        pytest.skip('needs a C compiler to make the libraries that the bindings look for')
    major = version.partition('.')[0]
    names = (*_FACTORIES, *(_FACTORIES_8 if major == '8' else ()))
    (folder / 'empty.c').write_text(
        ''.join(f'void *{name}(void) {{ return 0; }}\n' for name in names))
    (folder / 'lib').mkdir(exist_ok=True)
    for library in _LIBRARIES:
        file = f'lib{library}.so.{major}'
        subprocess.run(
            [compiler, '-w', '-shared', '-fPIC', f'-Wl,-soname,{file}', '-o',
             str(folder / 'lib' / file), str(folder / 'empty.c')], check=True, timeout=60)
