"""The graph under demonstration: the composed process, as a child with a domain of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError

# Domain ids whose ports leave Linux's ephemeral ports alone; 0 is what people use by hand.
_DOMAIN_IDS = range(1, 101)
_PATIENCE_S = 10.0


@contextlib.contextmanager
def own_domain() -> Iterator[int]:
    """Set ROS_DOMAIN_ID to one that no other demo or test of this machine holds.

    The user's own choice is kept.

    Raises:
        NeuroposeError: all are taken.
    """
    chosen = os.environ.get('ROS_DOMAIN_ID')
    if chosen:
        yield int(chosen)
        return
    with _free_domain() as domain_id:
        os.environ['ROS_DOMAIN_ID'] = str(domain_id)
        try:
            yield domain_id
        finally:
            del os.environ['ROS_DOMAIN_ID']


@contextlib.contextmanager
def _free_domain() -> Iterator[int]:
    # High ids first: people count their own from 0.
    for domain_id in reversed(_DOMAIN_IDS):
        path = Path(tempfile.gettempdir()) / f'neuropose-domain-{domain_id}.lock'
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(path.open('w'))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield domain_id
            return
    raise NeuroposeError('no ROS domain id is free: set ROS_DOMAIN_ID to one of yours')


@contextlib.contextmanager
def running_graph(source: str, *choices: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `neuropose up --source SOURCE CHOICES`; it is ended on leaving.

    Its warnings and the progress of a first download go to stderr. It has a session of its own,
    so that Ctrl-C ends the demo's run and not the graph under its hands.
    """
    child = subprocess.Popen(
        [sys.executable, '-m', 'neuropose_ros.cli.main', 'up', '--source', source, *choices,
         '--ros-args', '--log-level', 'warn'],
        stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), start_new_session=True)
    try:
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
