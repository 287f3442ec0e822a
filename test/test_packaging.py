"""The installed package: starts from any shell, imports in every layout, declares what it uses.

Whole builds (plain, by links, twice, pip, messages alone, on each ROS 2) are steps of .ci/run.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

EXECUTABLES = (
    'camera', 'pose', 'refinement', 'action', 'recorder', 'adapter', 'composed', 'example_robot',
    'neuropose')
# Name to import -> name in requirements.txt, where they differ.
DISTRIBUTIONS = {
    'ai_edge_litert': 'ai-edge-litert', 'cv2': 'opencv-python-headless',
    'ndx_pose': 'ndx-pose', 'sklearn': 'scikit-learn', 'yaml': 'pyyaml',
}


@pytest.fixture(scope='module')
def prefix() -> Path:
    """Where the package is installed."""
    for folder in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        if folder and (Path(folder) / 'share/neuropose_ros/package.xml').is_file():
            return Path(folder)
    pytest.skip('needs an installation: colcon build, then source it')


def clean_shell(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does in which nothing was sourced or activated."""
    return subprocess.run(
        command,
        env={'PATH': '/usr/bin:/bin', 'HOME': os.environ.get('HOME', '/'), **environment},
        cwd='/',
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize('name', EXECUTABLES)
def test_executable_is_installed_for_everybody(name: str, prefix: Path) -> None:
    mode = (prefix / 'lib/neuropose_ros' / name).stat().st_mode
    assert mode & 0o555 == 0o555


@pytest.mark.parametrize('path', ['bin/neuropose', 'lib/neuropose_ros/neuropose'])
def test_executable_starts_from_a_clean_shell(path: str, prefix: Path) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("built with the system's Python: needs a sourced ROS 2")
    done = clean_shell(str(prefix / path), 'nonesuch')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith("neuropose: neuropose has no 'nonesuch'")


def test_executable_starts_by_a_link_from_elsewhere(prefix: Path, tmp_path: Path) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("built with the system's Python: needs a sourced ROS 2")
    (tmp_path / 'neuropose').symlink_to(prefix / 'bin/neuropose')
    assert clean_shell(str(tmp_path / 'neuropose'), 'nonesuch').returncode == 2


def test_executable_is_only_imported_by_the_workers_of_a_command(
    source_root: Path, tmp_path: Path,
) -> None:
    """multiprocessing runs it in every worker, as ``__mp_main__``: no command may start there."""
    program = tmp_path / 'prefix/bin/program'
    program.parent.mkdir(parents=True)
    (tmp_path / 'prefix/share/neuropose_ros').mkdir(parents=True)
    (tmp_path / 'worker_module.py').write_text(
        'import multiprocessing\n\n\ndef main():\n'
        '    print("command")\n'
        '    process = multiprocessing.get_context("spawn").Process(target=work)\n'
        '    process.start()\n    process.join()\n    return process.exitcode\n\n\n'
        'def work():\n    print("worker")\n')
    values = {
        'EXECUTABLE_SHEBANG': f'#!{sys.executable}', 'EXECUTABLE_MODULE': 'worker_module',
        'EXECUTABLE_TO_PREFIX': '..', 'PROJECT_NAME': 'neuropose_ros', 'EXECUTABLE_ARGUMENT': '',
        'CMAKE_INSTALL_PREFIX': str(tmp_path / 'prefix'), 'PYTHON_INSTALL_DIR': '..'}
    text = (source_root / 'cmake/executable.py.in').read_text('utf-8')
    for name, value in values.items():
        text = text.replace(f'@{name}@', value)
    program.write_text(text, 'utf-8')
    done = clean_shell(sys.executable, str(program))
    assert (done.returncode, done.stdout.split()) == (0, ['command', 'worker']), done.stderr


def test_node_finds_ros_and_messages_from_a_clean_shell(prefix: Path) -> None:
    """With everything a node needs: --help alone would not load the middleware."""
    if sys.prefix == sys.base_prefix:
        pytest.skip("built with the system's Python: needs a sourced ROS 2")
    script = (prefix / 'lib/neuropose_ros/pose').read_text()
    check = script.replace(
        'sys.exit(main())',
        'import rclpy; from neuropose_ros.msg import PersonArray; rclpy.init(args=[]); '
        'rclpy.create_node("packaging").create_publisher(PersonArray, "unheard", 1); '
        'rclpy.shutdown(); print("published")',
    )
    copy = prefix / 'lib/neuropose_ros/.packaging_test'
    try:
        copy.write_text(check)
        copy.chmod(0o755)
        done = clean_shell(str(copy), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    finally:
        copy.unlink(missing_ok=True)
    assert (done.returncode, done.stdout) == (0, 'published\n'), done.stderr


@pytest.mark.parametrize('layout', ['installed', 'source tree first', 'init lost'])
def test_messages_and_modules_import_in_every_layout(
    layout: str, prefix: Path, source_root: Path, tmp_path: Path
) -> None:
    (site,) = prefix.glob('lib/python3*/*-packages/neuropose_ros')
    paths = [str(site.parent)]
    if layout == 'source tree first':
        paths.insert(0, str(source_root))
    if layout == 'init lost':
        lost = tmp_path / 'neuropose_ros'
        lost.mkdir()
        for path in site.iterdir():
            (lost / path.name).symlink_to(path)
        (lost / '__init__.py').unlink()
        (lost / '__init__.py').touch()
        paths = [str(tmp_path)]
    others = [
        path
        for path in os.environ.get('PYTHONPATH', '').split(os.pathsep)
        if path and not (Path(path) / 'neuropose_ros').is_dir()
    ]
    done = subprocess.run(
        [
            *(sys.executable, '-c'),
            'from neuropose_ros.msg import PersonArray; from neuropose_ros.nodes import pose; '
            'from rclpy.serialization import serialize_message as s; print(len(s(PersonArray())))',
        ],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([*paths, *others])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr


def test_messages_alone_import_nothing_heavy() -> None:
    """A robot that only listens needs neither numpy of ours nor OpenCV."""
    script = (
        'import sys; from neuropose_ros.msg import PersonArray; '
        'print([name for name in ("cv2", "onnxruntime", "av", "matplotlib", "rclpy") '
        'if name in sys.modules])'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == '[]\n'


def test_folders_are_in_share(prefix: Path, source_root: Path) -> None:
    for folder in ('launch', 'config', 'msg'):
        files = (path for path in (source_root / folder).rglob('*') if path.is_file())
        for path in files:
            if '__pycache__' not in path.parts:
                assert (prefix / 'share/neuropose_ros' / path.relative_to(source_root)).is_file()


# --- what is declared


@pytest.fixture(scope='module')
def manifest(source_root: Path) -> ElementTree.Element:
    return ElementTree.parse(source_root / 'package.xml').getroot()


def third_party_imports(source_root: Path) -> Iterator[tuple[str, Path]]:
    """Every module that the package imports and Python does not bring."""
    for path in (source_root / 'neuropose_ros').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                top = name.partition('.')[0]
                if top not in sys.stdlib_module_names and top != 'neuropose_ros':
                    yield top, path


def requirement_names(path: Path) -> set[str]:
    lines = (line.partition('#')[0].strip() for line in path.read_text('utf-8').splitlines())
    return {re.split(r'[\[<>=;~!]', line)[0].strip().lower() for line in lines if line}


def test_every_import_is_declared(source_root: Path, manifest: ElementTree.Element) -> None:
    by_pip = requirement_names(source_root / 'requirements.txt')
    by_ros = {node.text for node in manifest if node.tag.endswith('depend')}
    # pytest runs `neuropose test`; the peers of the benchmarks live in environments of their own.
    # The others' messages are for their adapters, where they are installed.
    # Dask is for those who have a cluster.
    optional = {'pytest', 'mediapipe', 'supervision', 'trackers', 'tensorrt', 'distributed'}
    optional |= {'hri_msgs', 'vision_msgs', 'yolo_msgs'}
    for name in ('optional', 'learning', 'recording'):
        optional |= requirement_names(source_root / f'requirements-{name}.txt')
    undeclared = {
        f'{name} ({path.relative_to(source_root)})'
        for name, path in third_party_imports(source_root)
        if DISTRIBUTIONS.get(name, name) not in by_pip | by_ros | optional
    }
    assert not undeclared


def test_nothing_is_declared_that_is_not_imported(source_root: Path) -> None:
    imported = {DISTRIBUTIONS.get(name, name) for name, _ in third_party_imports(source_root)}
    for name in ('requirements.txt', 'requirements-optional.txt'):
        assert requirement_names(source_root / name) - imported == set()


def test_versions_agree(source_root: Path, manifest: ElementTree.Element) -> None:
    version = manifest.findtext('version')
    changelog = (source_root / 'CHANGELOG.rst').read_text('utf-8')
    newest = re.search(r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$', changelog, re.MULTILINE)
    assert newest and newest[1] == version


def test_manifest_is_one_that_ros_tools_read(source_root: Path) -> None:
    catkin_pkg = pytest.importorskip('catkin_pkg.package', reason='needs catkin_pkg')
    warnings: list[str] = []
    package = catkin_pkg.parse_package(str(source_root), warnings=warnings)
    assert warnings == []
    assert package.get_build_type() == 'ament_cmake'
