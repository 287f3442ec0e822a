"""What tests share: a ROS domain of their own, discovery on this machine only, and the data."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

# Domain ids that leave the ephemeral ports of Linux alone; 0 is what people use by hand.
_DOMAIN_IDS = range(21, 101)


def _hold_free_domain_id() -> tuple[int, IO[str]]:
    """Pick a domain id that no other test session of this machine holds while the file is open."""
    for domain_id in _DOMAIN_IDS:
        path = Path(tempfile.gettempdir()) / f'neuropose-domain-{domain_id}.lock'
        with contextlib.suppress(OSError):
            lock = path.open('w')
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return domain_id, lock
    raise RuntimeError('every ROS domain id for tests is taken')


@pytest.fixture(scope='session', autouse=True)
def ros_domain() -> Iterator[int]:
    """Domain id of this session and of the processes it starts; the user's, where one is set."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if 'ROS_DOMAIN_ID' in os.environ:
        yield int(os.environ['ROS_DOMAIN_ID'])
        return
    domain_id, lock = _hold_free_domain_id()
    os.environ['ROS_DOMAIN_ID'] = str(domain_id)
    yield domain_id
    del os.environ['ROS_DOMAIN_ID']
    lock.close()


@pytest.fixture(scope='session')
def data_folder() -> Path:
    """The folder that NEUROPOSE_DATA names, with real recordings; the test is skipped without."""
    folder = os.environ.get('NEUROPOSE_DATA', '')
    if not folder:
        pytest.skip('needs real recordings: NEUROPOSE_DATA names no folder')
    if not Path(folder).is_dir():
        pytest.fail(f'NEUROPOSE_DATA={folder} is not a folder')
    return Path(folder).resolve()


@pytest.fixture(scope='session')
def source_root() -> Path:
    """Root of the source tree."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network in the user's own list that puts out the mean grey level of each channel."""
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [helper.make_node('ReduceMean', ['picture'], ['vector'], axes=[2, 3], keepdims=0)],
        'means', [helper.make_tensor_value_info('picture', TensorProto.FLOAT, (1, 3, 16, 16))],
        [helper.make_tensor_value_info('vector', TensorProto.FLOAT, (1, 3))])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
         tmp_path / 'means.onnx')
    (tmp_path / 'models.yaml').write_text(
        'means:\n  path: means.onnx\n  licence: MIT\n  kind: scene\n  decoder: embedding\n'
        '  input: {width: 16, height: 16}\n')
    monkeypatch.setenv('NEUROPOSE_MODELS', str(tmp_path / 'models.yaml'))
