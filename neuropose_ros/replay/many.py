"""Many recordings: in this process, in several, or on a cluster; resumable, failures retried."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.batching import announce_on_stderr
from neuropose_ros.inference.threads import one_thread_each
from neuropose_ros.replay.manifest import Mode
from neuropose_ros.replay.open import Choice
from neuropose_ros.replay.run import Order, Progress
from neuropose_ros.replay.worker import Outcome, Task, begin_process, release, run_order

SUMMARY = 'replay.json'


class Executor(Protocol):
    """Where orders are carried out."""

    def submit(self, work: Callable[..., Outcome], /, *args: Any) -> Future[Outcome]:
        """Begin one, now or when there is room."""
        ...


def make_orders(
    specs: Iterable[str], mode: Mode = 'ideal', choice: Choice | None = None,
    corrected: bool = True,
) -> list[Order]:
    """Return one order for each recording, each with a name of its own.

    Of two recordings with one name the folder that they lie in goes before it, so that the names
    do not depend on the order.

    Raises:
        ParameterError: a recording is given twice.
    """
    given = [spec if '://' in spec or spec.startswith('synthetic') else str(
        Path(spec).expanduser().absolute()) for spec in specs]
    twice = [spec for spec, count in Counter(given).items() if count > 1]
    if twice:
        raise ParameterError(f'{twice[0]} is given twice')
    depth = dict.fromkeys(given, 1)
    names: dict[str, str] = {}
    for _ in range(16):
        names = {spec: _name(spec, depth[spec]) for spec in given}
        taken = Counter(name.lower() for name in names.values())
        clashes = [spec for spec in given if taken[names[spec].lower()] > 1]
        if not clashes:
            break
        for spec in clashes:
            depth[spec] += 1
    else:
        raise ParameterError(f'{clashes[0]} and another recording would share the name '
                             f'{names[clashes[0]]}: rename one')
    return [Order(spec, names[spec], mode, choice or Choice(), corrected) for spec in given]


def _name(spec: str, depth: int) -> str:
    """Return the last ``depth`` parts of a path as one name; from the second on with suffix."""
    parts = Path(spec).parts[-depth:]
    last = Path(parts[-1])
    # What comes after a dot is a suffix of files alone: the folders s.1 and s.2 are two.
    bare = depth == 1 and last.suffix and not Path(spec).is_dir()
    words = (*parts[:-1], last.stem if bare else last.name)
    return re.sub(r'[^A-Za-z0-9._-]+', '-', '-'.join(words)).strip('-.')[-100:] or 'recording'


class InThisProcess:
    """Carries out an order when it is submitted."""

    def __init__(self, progress: Progress | None = None) -> None:
        """Take who wants to know how many frames are done."""
        self._progress = progress

    def submit(self, work: Callable[..., Outcome], /, *args: Any) -> Future[Outcome]:
        """Carry it out."""
        future: Future[Outcome] = Future()
        future.set_result(work(*args, self._progress, announce_on_stderr))
        return future


@dataclass
class Crew:
    """Who works.

    Attributes:
        size: how many orders are worked on at once.
        executor: is asked for anew when the one before broke down.
    """

    size: int
    executor: Callable[[], Executor]


@contextmanager
def local_crew(workers: int, progress: Progress | None = None) -> Iterator[Crew]:
    """Yield workers on this machine; one works in this process, several in one each.

    Raises:
        ParameterError: there must be at least one.
    """
    if workers < 1:
        raise ParameterError(f'{workers} workers: there must be at least one')
    if workers == 1:
        try:
            yield Crew(1, lambda: InThisProcess(progress))
        finally:
            release()
        return
    pools: list[ProcessPoolExecutor] = []
    others = set(multiprocessing.active_children())

    def pool() -> ProcessPoolExecutor:
        pools.append(ProcessPoolExecutor(
            workers, multiprocessing.get_context('spawn'), begin_process))
        return pools[-1]

    with one_thread_each():
        try:
            yield Crew(workers, pool)
        except BaseException:
            # Who is interrupted does not wait for recordings of an hour.
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            for one in pools:
                one.shutdown(wait=True, cancel_futures=True)


@contextmanager
def cluster_crew(address: str) -> Iterator[Crew]:
    """Yield the workers of a Dask cluster; all of them must see the same files.

    Raises:
        NeuroposeError: the package distributed is not there, or nobody answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise NeuroposeError(
            'a cluster needs the package distributed: pip install distributed') from error
    try:
        client = Client(address, timeout='15s', set_as_default=False)
    except (OSError, ValueError) as error:
        raise NeuroposeError(f'no scheduler answers at {address!r} ({error}); start one with '
                             '`dask scheduler` and workers with `dask worker`') from error
    with client:
        threads = client.nthreads()
        if not threads:
            raise NeuroposeError(f'the scheduler at {address} has no workers: start some with '
                                 f'`dask worker {address}`')
        # Same input, same task: Dask would take the result of an earlier run for this one.
        yield Crew(sum(threads.values()), lambda: client.get_executor(pure=False, retries=0))


def replay_many(
    orders: Sequence[Order], task: Task, crew: Crew, *, retries: int = 1,
) -> Iterator[Outcome]:
    """Yield what became of each order, as it becomes known; failures may be tried again.

    Args:
        retries: how often an order that failed is tried again, unless its recording is at fault.
    """
    waiting, suspects = deque(orders), deque[Order]()
    tries: Counter[str] = Counter()
    running: dict[Future[Outcome], Order] = {}
    executor = crew.executor()
    while waiting or suspects or running:
        # Of several that ran when a worker died nobody knows whose fault it was: one by one.
        queue, room = (suspects, 1) if suspects else (waiting, crew.size)
        while queue and len(running) < room:
            order = queue.popleft()
            running[executor.submit(run_order, task, order)] = order
        alone = len(running) == 1
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        outcomes = [_outcome(future, running.pop(future)) for future in done]
        for outcome in outcomes:
            order = outcome.order
            tries[order.name] += not outcome.broken or alone
            if not outcome.hopeless and outcome.manifest is None and (
                    tries[order.name] <= retries):
                (suspects if outcome.broken else waiting).append(order)
            else:
                yield outcome
        if any(outcome.broken for outcome in outcomes):
            suspects.extend(running.values())
            running.clear()
            executor = crew.executor()


def _outcome(future: Future[Outcome], order: Order) -> Outcome:
    try:
        return future.result()
    except BrokenExecutor:
        return Outcome(
            order, error=f'{order.spec}: its worker died (killed, or out of memory)', broken=True)
    except Exception as error:  # noqa: BLE001 - a cluster has errors of its own
        return Outcome(order, error=f'{order.spec}: {type(error).__name__}: {error}')


def write_summary(outcomes: Iterable[Outcome], out: Path) -> None:
    """Write ``replay.json``: the results and failures of one command."""
    entries = {
        outcome.order.name: {'error': outcome.error} if outcome.manifest is None else {
            'input': outcome.manifest.name, 'sha256': outcome.manifest.sha256,
            'frames': outcome.manifest.frames}
        for outcome in sorted(outcomes, key=lambda outcome: outcome.order.name)}
    (out / SUMMARY).write_text(json.dumps(entries, indent=1) + '\n', 'utf-8')
