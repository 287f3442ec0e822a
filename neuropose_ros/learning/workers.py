"""Many trainings at once, one thread each: faster than one training on many threads."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Protocol, TypeVar

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.inference.threads import one_thread_each
from neuropose_ros.learning.jobs import Job, Result, read_result, run_job
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.training.progress import Epoch, Report

Watch = Callable[[Any, float], None]
"""Takes a job and how much of it is done, 0..1."""

JobT = TypeVar('JobT')
ResultT = TypeVar('ResultT')
JobT_contra = TypeVar('JobT_contra', contravariant=True)
ResultT_co = TypeVar('ResultT_co', covariant=True)


class AnyWork(Protocol[JobT_contra, ResultT_co]):
    """What all jobs share, and how one is done; it travels to the processes.

    A job can be a key.
    """

    def earlier(self, job: JobT_contra) -> ResultT_co | None:
        """Return what a job came to before, where that is to be kept."""

    def run(self, job: JobT_contra, report: Report) -> ResultT_co:
        """Do a job."""


@dataclass(frozen=True)
class Work:
    """What all jobs of a recipe of actions share; an `AnyWork`.

    Attributes:
        data: folder that `jobs.write_data` filled.
        folder: of the results, one below it for each job.
        resume: keep the results that are there, go on with what was cut off.
    """

    recipe: Recipe
    data: Path
    folder: Path
    resume: bool = False

    def earlier(self, job: Job) -> Result | None:
        """Return what a job came to before, where that is to be kept."""
        return read_result(self.folder, job) if self.resume else None

    def run(self, job: Job, report: Report) -> Result:
        """Train and ask about the test part."""
        return run_job(job, self.recipe, self.data, Place(self.folder, self.resume, report))


def nobody(job: Any, share: float) -> None:
    """Watch nothing."""


class _StoppedError(Exception):
    """Ends a job from outside."""


def run_jobs(
    work: AnyWork[JobT, ResultT], jobs: Sequence[JobT], workers: int, watch: Watch = nobody,
) -> list[ResultT]:
    """Run jobs in processes of one thread each; return their results in the jobs' order.

    Raises:
        TrainingError: a job failed, or the system ended a process; what is done stays.
    """
    results = {job: found for job in jobs if (found := work.earlier(job)) is not None}
    for job in results:
        watch(job, 1.0)
    todo = [job for job in jobs if job not in results]
    if todo:
        for job, result in _in_processes(work, todo, min(workers, len(todo)), watch):
            results[job] = result
            watch(job, 1.0)
    return [results[job] for job in jobs]


def _in_processes(
    work: AnyWork[JobT, ResultT], jobs: Sequence[JobT], workers: int, watch: Watch,
) -> Iterator[tuple[JobT, ResultT]]:
    context = multiprocessing.get_context('spawn')  # torch's threads do not survive a fork
    news: Queue[tuple[Any, float]] = context.Queue()
    # Without a lock: a process that is killed would hold it for ever.
    stop = context.RawValue(ctypes.c_bool, False)
    with one_thread_each(), ProcessPoolExecutor(
            workers, context, _start, (work, news, stop)) as pool:
        running: set[Future[Any]] = {pool.submit(_run, job) for job in jobs}
        try:
            while running:
                done, running = wait(running, 0.5, FIRST_COMPLETED)
                _pass_on(news, watch)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise TrainingError('a training was ended from outside, perhaps for want of memory: '
                                'go on with --resume and fewer --workers') from error
        finally:
            stop.value = True
            pool.shutdown(wait=True, cancel_futures=True)


def _pass_on(news: Queue[tuple[Any, float]], watch: Watch) -> None:
    while True:
        try:
            watch(*news.get_nowait())
        except queue.Empty:
            return


_shared: tuple[AnyWork[Any, Any], Queue[tuple[Any, float]], ctypes.c_bool] | None = None


def _start(
    work: AnyWork[Any, Any], news: Queue[tuple[Any, float]], stop: ctypes.c_bool,
) -> None:
    global _shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says stop
    import torch
    torch.set_num_threads(1)
    _shared = work, news, stop


def _run(job: Any) -> tuple[Any, Any]:
    if _shared is None:
        raise RuntimeError('this is no worker')
    work, news, stop = _shared

    def report(epoch: Epoch) -> None:
        news.put((job, epoch.number / epoch.of))
        if stop.value:
            raise _StoppedError
        # A parent that was killed says nothing any more; the pool would wait for it for ever.
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            os._exit(1)

    return job, work.run(job, report)
