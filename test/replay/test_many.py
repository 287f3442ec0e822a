"""Many recordings: names, retries, what is done already, workers that die, a cluster."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.replay.many import (
    SUMMARY,
    Crew,
    cluster_crew,
    local_crew,
    make_orders,
    replay_many,
    write_summary,
)
from neuropose_ros.replay.settings import RecogniserSettings, Settings
from neuropose_ros.replay.worker import Outcome, Task

from .flow import dot_frames, run_live, write_session

NO_ACTIONS = RecogniserSettings('none')


def task(out: Path, **given: Any) -> Task:
    out.mkdir(exist_ok=True)
    return Task(Settings(recogniser=NO_ACTIONS, **given), out)


def sessions(folder: Path, count: int) -> list[str]:
    return [str(write_session(folder / f'walk{i}', run_live(dot_frames(10 + i))))
            for i in range(count)]


def run(specs: list[str], todo: Task, workers: int = 1) -> list[Outcome]:
    with local_crew(workers) as crew:
        return list(replay_many(make_orders(specs), todo, crew))


def hashes(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.order.name: outcome.manifest.sha256 for outcome in outcomes
            if outcome.manifest is not None}


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 3)
    alone = run(specs, task(tmp_path / 'one'))
    together = run(specs, task(tmp_path / 'two'), workers=2)
    assert len(hashes(alone)) == 3
    assert hashes(alone) == hashes(together)
    for name, outcomes in (('one', alone), ('two', together)):
        write_summary(outcomes, tmp_path / name)
    summaries = [json.loads((tmp_path / name / SUMMARY).read_text()) for name in ('one', 'two')]
    assert summaries[0] == summaries[1]


def test_what_is_done_stays_and_the_rest_goes_on(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 3)
    todo = task(tmp_path / 'out')
    first = run(specs[:2], todo)
    assert not any(outcome.done_before for outcome in first)
    again = run(specs, todo)
    assert [outcome.done_before for outcome in again] == [True, True, False]
    assert hashes(first).items() <= hashes(again).items()


def test_other_parameters_do_not_overwrite_unless_told(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 1)
    before = run(specs, task(tmp_path / 'out'))
    changed = task(tmp_path / 'out', refinement=RefinementParameters(acceleration=5.0))
    refused, = run(specs, changed)
    assert 'say --overwrite' in refused.error
    assert (tmp_path / 'out' / 'walk0' / 'manifest.json').is_file()
    replaced = run(specs, Task(changed.settings, changed.out, overwrite=True))
    assert hashes(replaced) != hashes(before)
    assert not replaced[0].done_before
    (tmp_path / 'out' / 'walk0' / 'manifest.json').unlink()
    refused, = run(specs, Task(changed.settings, changed.out, overwrite=True))
    assert 'not made by a replay' in refused.error


def test_one_bad_recording_does_not_end_the_others(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 2)
    (tmp_path / 'bad.mcap').write_bytes(b'nothing')
    outcomes = run([specs[0], str(tmp_path / 'bad.mcap'), specs[1]], task(tmp_path / 'out'))
    assert [outcome.manifest is None for outcome in outcomes] == [False, True, False]
    assert 'bad.mcap' in outcomes[1].error
    assert outcomes[1].hopeless
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['walk0', 'walk1']


class Executor:
    """Does what the test says at each attempt."""

    def __init__(self, act: Callable[[str, int], Exception | None]) -> None:
        self.act, self.attempts = act, Counter[str]()

    def submit(self, work: Callable[..., Outcome], /, *args: Any) -> Future[Outcome]:
        order = args[1]
        self.attempts[order.name] += 1
        future: Future[Outcome] = Future()
        error = self.act(order.name, self.attempts[order.name])
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(work(*args))
        return future


def test_a_failure_is_tried_again_as_often_as_asked(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 1)
    executor = Executor(lambda _, attempt: OSError('no room') if attempt < 3 else None)
    crew = Crew(1, lambda: executor)
    orders, todo = make_orders(specs), task(tmp_path / 'out')
    failed, = replay_many(orders, todo, crew, retries=1)
    assert failed.error.endswith('OSError: no room')
    assert executor.attempts['walk0'] == 2
    done, = replay_many(orders, todo, crew, retries=0)
    assert done.manifest is not None


def test_who_worked_beside_a_worker_that_died_is_not_to_blame(tmp_path: Path) -> None:
    specs = sessions(tmp_path, 3)
    executor = Executor(
        lambda name, attempt: BrokenExecutor() if name == 'walk1' or attempt == 1 else None)
    outcomes = replay_many(
        make_orders(specs), task(tmp_path / 'out'), Crew(3, lambda: executor), retries=1)
    failed = {outcome.order.name: outcome.error for outcome in outcomes if outcome.error}
    assert list(failed) == ['walk1']
    assert 'worker died' in failed['walk1']


def test_names_tell_recordings_apart_in_whatever_order() -> None:
    specs = ['/a/walk.mp4', '/b/walk.mp4', '/b/run.mp4', '/b/Walk of life.mkv',
             'synthetic:walk?seconds=1']
    names = {order.spec: order.name for order in make_orders(specs)}
    assert list(names.values()) == [
        'a-walk.mp4', 'b-walk.mp4', 'run', 'Walk-of-life', 'synthetic-walk-seconds-1']
    assert {order.spec: order.name for order in make_orders(specs[::-1])} == names
    with pytest.raises(ParameterError, match='twice'):
        make_orders(['/a/walk.mp4', '/a/walk.mp4'])


def test_a_dot_in_the_name_of_a_folder_begins_no_suffix(tmp_path: Path) -> None:
    for name in ('walk.1', 'walk.2'):
        (tmp_path / name).mkdir()
        [order] = make_orders([str(tmp_path / name)])  # each in a command of its own
        assert order.name == name


def test_there_is_at_least_one_worker() -> None:
    with pytest.raises(ParameterError, match='at least one'), local_crew(0):
        pass


def test_a_cluster_gives_the_same_results(tmp_path: Path) -> None:
    distributed = pytest.importorskip('distributed', reason='needs the package distributed')
    specs = sessions(tmp_path, 2)
    here = hashes(run(specs, task(tmp_path / 'here')))
    with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None,
            protocol='tcp://',
            host='127.0.0.1') as cluster:
        with cluster_crew(cluster.scheduler_address) as crew:
            there = list(replay_many(make_orders(specs), task(tmp_path / 'there'), crew))
    assert hashes(there) == here


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    pytest.importorskip('distributed', reason='needs the package distributed')
    with pytest.raises(NeuroposeError, match='scheduler'):
        with cluster_crew('nonsense://nowhere'):
            pass
