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

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.inference.threads import one_thread_each
from neuropose_ros.learning.jobs import Job, Result, read_result, run_job
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.training.progress import Epoch

Watch = Callable[[Job, float], None]
"""Takes a job and how much of it is done, 0..1."""


@dataclass(frozen=True)
class Work:
    """What all jobs share.

    Attributes:
        data: folder that `jobs.write_data` filled.
        folder: of the results, one below it for each job.
        resume: keep the results that are there, go on with what was cut off.
    """

    recipe: Recipe
    data: Path
    folder: Path
    resume: bool = False


def nobody(job: Job, share: float) -> None:
    """Watch nothing."""


class _StoppedError(Exception):
    """Ends a job from outside."""


def run_jobs(
    work: Work, jobs: Sequence[Job], workers: int, watch: Watch = nobody,
) -> list[Result]:
    """Run jobs in processes of one thread each; return their results in the jobs' order.

    Raises:
        TrainingError: a job failed, or the system ended a process; what is done stays.
    """
    results = {job: found for job in jobs
               if work.resume and (found := read_result(work.folder, job)) is not None}
    for job in results:
        watch(job, 1.0)
    todo = [job for job in jobs if job not in results]
    if todo:
        for result in _in_processes(work, todo, min(workers, len(todo)), watch):
            results[result.job] = result
            watch(result.job, 1.0)
    return [results[job] for job in jobs]


def _in_processes(
    work: Work, jobs: Sequence[Job], workers: int, watch: Watch,
) -> Iterator[Result]:
    context = multiprocessing.get_context('spawn')  # torch's threads do not survive a fork
    news: Queue[tuple[Job, float]] = context.Queue()
    # Without a lock: a process that is killed would hold it for ever.
    stop = context.RawValue(ctypes.c_bool, False)
    with one_thread_each(), ProcessPoolExecutor(
            workers, context, _start, (work, news, stop)) as pool:
        running: set[Future[Result]] = {pool.submit(_run, job) for job in jobs}
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


def _pass_on(news: Queue[tuple[Job, float]], watch: Watch) -> None:
    while True:
        try:
            watch(*news.get_nowait())
        except queue.Empty:
            return


_shared: tuple[Work, Queue[tuple[Job, float]], ctypes.c_bool] | None = None


def _start(work: Work, news: Queue[tuple[Job, float]], stop: ctypes.c_bool) -> None:
    global _shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says stop
    import torch
    torch.set_num_threads(1)
    _shared = work, news, stop


def _run(job: Job) -> Result:
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

    return run_job(job, work.recipe, work.data, Place(work.folder, work.resume, report))
