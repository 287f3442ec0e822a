"""A live run of every frame, recorded with its images: what a replay must give again."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from neuropose_ros.cli.bench import isolation
from neuropose_ros.core.errors import NeuroposeError, SessionError
from neuropose_ros.recording import open_session
from neuropose_ros.recording.folder import is_session

_START_S, _QUIET_S, _END_S = 90.0, 6.0, 60.0


def record_live(clip: Path, session: Path, *, threads: int = 1) -> Path:
    """Run the composed graph on a clip, record it with raw images, and return the session.

    Raises:
        NeuroposeError: the graph ends early, or nothing is recorded.
    """
    command = [
        sys.executable, '-m', 'neuropose_ros.nodes', 'composed', '--source', str(clip),
        '--record', str(session), '--ros-args', '-p', 'camera:policy:=every_frame',
        '-p', f'pose:threads:={threads}', '-p', 'recorder:bag:=raw']
    with tempfile.TemporaryFile('w+') as log:
        graph = subprocess.Popen(command, env=isolation.environment(), stdout=log, stderr=log)
        try:
            _wait(graph, session)
        except NeuroposeError as error:
            log.seek(0)
            raise NeuroposeError(f'{error}\n{log.read()[-2000:]}') from None
        finally:
            if graph.poll() is None:
                graph.send_signal(signal.SIGINT)
            try:
                graph.wait(_END_S)
            except subprocess.TimeoutExpired:
                graph.kill()
                graph.wait()
    return session


def _wait(graph: subprocess.Popen[bytes], session: Path) -> None:
    """Wait until frames were recorded and no more come."""
    last = time.monotonic()
    frames = 0
    while time.monotonic() - last < (_QUIET_S if frames else _START_S):
        if graph.poll() is not None:
            raise NeuroposeError('the live graph ended early:')
        now = _frames(session)
        if now != frames:
            frames, last = now, time.monotonic()
        time.sleep(0.5)
    if not frames:
        raise NeuroposeError(f'nothing was recorded of the live graph in {_START_S:.0f} s:')


def _frames(path: Path) -> int:
    if not is_session(path):
        return 0
    try:
        with open_session(path) as session:
            return sum(batch.num_rows for batch in session.batches('frames'))
    except SessionError:  # it is being made at this moment
        return 0
