"""Power and room may go at any moment: what was there half a second before is still there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.bench.small_shm import UnavailableError, small_disk
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import EventMarker
from neuropose_ros.recording import open_session
from neuropose_ros.recording.live import LiveSession
from neuropose_ros.recording.upkeep import finish_session

from .people import person, pose_frame

# Records people with the present time as their stamp, until it is killed or the session fails.
WRITER = """
import sys, time
from pathlib import Path
from neuropose_ros.core.events import EventMarker
from neuropose_ros.recording.live import LiveSession
from neuropose_ros.core.pose import SceneEmbedding
from people import floats, person, pose_frame
session = LiveSession(Path(sys.argv[1]), least_free_mb=0.0)
people = [person(i, seed=i, rich=True) for i in range(4)]
index = 0
while not session.failure:
    now_ns = time.time_ns()
    session.put(pose_frame(index, *people, stamp_ns=now_ns), now_ns, 'poses')
    session.put(EventMarker(now_ns, 'tick', str(index)), now_ns)
    session.put(SceneEmbedding(now_ns, index, 'noise', floats(index, int(sys.argv[2]))), now_ns)
    if index == 0:
        print('recording', flush=True)
    index += 1
    time.sleep(0.005)
session.close()
print(time.time_ns(), session.failure, flush=True)
"""


def start(
    source_root: Path, folder: Path, floats: int, prefix: tuple[str, ...] = (),
) -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(source_root), str(source_root / 'test' / 'recording')))
    process = subprocess.Popen(
        [*prefix, sys.executable, '-c', WRITER, str(folder), str(floats)],
        env=os.environ | {'PYTHONPATH': paths}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == 'recording\n'
    return process


@pytest.mark.parametrize('seed', range(3))
def test_a_kill_loses_less_than_a_second_of_everything(
    seed: int, tmp_path: Path, source_root: Path,
) -> None:
    process = start(source_root, tmp_path / 'walk', 8)
    time.sleep(random.Random(seed).uniform(0.6, 1.8))
    process.send_signal(signal.SIGKILL)
    killed_ns = time.time_ns()
    process.communicate()
    with open_session(tmp_path / 'walk') as session:
        assert not session.closed and not session.being_recorded
        frames = list(session.poses())
        assert killed_ns - frames[-1].stamp_ns < 1e9
        assert killed_ns - session.events()[-1].stamp_ns < 1e9
        assert [frame.frame_seq for frame in frames] == list(range(len(frames)))
    finish_session(tmp_path / 'walk')
    with open_session(tmp_path / 'walk') as session:
        assert session.closed and len(list(session.poses())) == len(frames)


def test_a_full_disk_ends_the_session_in_order(tmp_path: Path, source_root: Path) -> None:
    try:
        with small_disk(8, tmp_path) as disk:
            process = start(source_root, tmp_path / 'walk', 10_000, disk.prefix)
            said, failure = process.communicate()[0].split(maxsplit=1)
            assert 'the disk is full' in failure
            with open_session(disk.outside / 'walk') as session:
                assert session.closed and session.torn == ()
                assert session.facts['failure'] == failure.strip()
                assert int(said) - list(session.poses())[-1].stamp_ns < 1e9
                assert session.facts['rows']['people'] == len(list(session.poses()))
                # What was on its way had the room that was kept for it.
                assert sum(session.facts['lost'].values()) < 20
    except UnavailableError as error:
        pytest.skip(str(error))


def test_a_killed_session_opens_on_a_disk_that_cannot_be_written(
    tmp_path: Path, source_root: Path,
) -> None:
    try:
        with small_disk(16, tmp_path) as disk:
            process = start(source_root, tmp_path / 'walk', 8, disk.prefix)
            time.sleep(1.0)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            subprocess.run(
                [*disk.prefix, 'mount', '-o', 'remount,ro', str(tmp_path)], check=True)
            with open_session(disk.outside / 'walk') as session:
                assert len(list(session.poses())) > 10 and len(session.events()) > 10
            with pytest.raises(SessionError, match='cannot be written'):
                finish_session(disk.outside / 'walk')
            with pytest.raises(SessionError, match='no session can be made here'):
                LiveSession(disk.outside / 'other', least_free_mb=0.0)
    except UnavailableError as error:
        pytest.skip(str(error))


def test_a_disk_that_runs_low_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SessionError, match='are to stay free'):
        LiveSession(tmp_path / 'walk', least_free_mb=1e9)
    assert not (tmp_path / 'walk').exists()
    monkeypatch.setattr('neuropose_ros.recording.live._LOOK_AT_DISK_S', 0.0)
    session = LiveSession(tmp_path / 'walk', least_free_mb=0.0, flush_s=0.01)
    session.put(pose_frame(0, person(1)), 5, 'poses')
    session._least_free_mb = 1e9  # as if somebody else had filled the disk
    until = time.monotonic() + 5
    while not session.failure and time.monotonic() < until:
        time.sleep(0.01)
    assert 'are to stay free' in session.failure
    session.close()
    with open_session(tmp_path / 'walk') as opened:
        assert opened.closed and len(list(opened.poses())) == 1
        assert 'are to stay free' in opened.log[0][1]


@pytest.mark.parametrize(('leaving', 'limit', 'compacted'), [
    (True, 0, False), (True, 1 << 30, True), (False, 0, True)])
def test_a_long_session_is_compacted_later_where_the_process_is_about_to_end(
    leaving: bool, limit: int, compacted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('neuropose_ros.recording.live._COMPACT_AT_EXIT_BYTES', limit)
    session = LiveSession(tmp_path / 'walk', least_free_mb=0.0)
    session.put(pose_frame(0, person(1)), 5, 'poses')
    session.close(leaving=leaving)
    assert (tmp_path / 'walk' / 'people.parquet').exists() is compacted
    with open_session(tmp_path / 'walk') as opened:
        assert opened.closed and opened.torn == () and len(list(opened.poses())) == 1


def test_a_disk_that_stands_still_costs_no_memory_without_end(tmp_path: Path) -> None:
    session = LiveSession(tmp_path / 'walk', least_free_mb=0.0, flush_s=1e6)
    for index in range(10_010):
        session.put(pose_frame(index), 5, 'poses')
    assert session.lost['people'] == 10 and session.pending == 10_000
    session.put(EventMarker(1, 'still', 'kept'), 5)
    session.close()
    with open_session(tmp_path / 'walk') as opened:
        assert opened.facts['lost'] == {'people': 10} and opened.facts['rows']['people'] == 10_000
        assert [event.value for event in opened.events()] == ['kept']


