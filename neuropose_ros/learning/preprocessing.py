"""From all videos of a listing to files in a cache, in several processes, and to clips."""

from __future__ import annotations

import errno
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from neuropose_ros.core.errors import DataError, NeuroposeError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.datasets.findings import DEFAULT_SKIPPED_SHARE, Findings
from neuropose_ros.learning.datasets.videos import Video, VideoListing
from neuropose_ros.learning.extracted import extracted_key, read_extracted, write_extracted
from neuropose_ros.learning.extraction import Extractor

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Progress = Callable[[int, int], None]
"""Takes how many videos are done, and of how many."""


@dataclass(frozen=True)
class _Outcome:
    """What became of one video.

    Attributes:
        problem: why it cannot be used; '' = it can.
        damage: what is missing of it.
        stop: why no video can be done any more.
    """

    video: Video
    problem: str = ''
    damage: str = ''
    stop: str = ''


def cached_file(cache: Path, video: Video) -> Path:
    """Return where a video's poses are kept.

    Raises:
        DataError: its name leads out of the cache.
    """
    name = PurePosixPath(video.name)
    if name.is_absolute() or '..' in name.parts or not name.parts:
        raise DataError(f'{video.name!r} cannot be the name of a file in {cache}')
    return cache / f'{name}.npz'


def extract_listing(
    listing: VideoListing, cache: Path, make: Callable[[], Extractor], *, workers: int = 1,
    findings: Findings | None = None, skipped_share: float = DEFAULT_SKIPPED_SHARE,
    progress: Progress | None = None,
) -> Findings:
    """Read every video that is not in the cache yet; what was done stays, whatever happens.

    Args:
        listing: which videos.
        cache: folder to keep one file for each in; it is made.
        make: returns what reads a video; called once in this process, so that networks are here
            before several need them, and once in each worker. It must be picklable.
        workers: processes; 1 = this one.
        findings: takes the videos that cannot be used; None = a new one.
        skipped_share: stop if more than this share (0..1) of the videos cannot be used.
        progress: is told after every video.

    Returns:
        The findings.

    Raises:
        DataError: too many videos cannot be used, or the cache cannot be written; the same call
            goes on where this one stopped.
        ModelError, ParameterError: from `make`.
    """
    findings = Findings() if findings is None else findings
    # What is left of processes that were killed while they wrote.
    for part in cache.rglob('.*.part'):
        part.unlink(missing_ok=True)
    with closing(make()) as extractor:
        todo = [video for video in listing.videos
                if extracted_key(cached_file(cache, video)) != extractor.key]
        outcomes = (_here(todo, cache, extractor) if workers == 1 or len(todo) < 2
                    else _in_processes(todo, cache, make, min(workers, len(todo))))
        bad, done = {}, len(listing) - len(todo)
        for outcome in outcomes:
            done += 1
            if outcome.stop:
                raise DataError(f'{outcome.stop}; {done - 1} of {len(listing)} videos are done: '
                                'run the same again and it goes on from there')
            if outcome.problem:
                bad[outcome.video.name] = outcome.problem
            if progress is not None:
                progress(done, len(listing))
            if len(bad) > skipped_share * len(listing):
                break
    for name in sorted(bad):
        findings.skip(name, bad[name])
    if bad:
        findings.refuse_many(len(listing) - len(bad), skipped_share)
    return findings


def extracted_clips(
    listing: VideoListing, cache: Path, *, layout: SkeletonLayout | None = None,
    least_score: float = 0.0, findings: Findings | None = None,
) -> ClipSet:
    """Return the clips of those videos of a listing that are in the cache.

    Args:
        layout: to convert to; None = as they are.
        least_score: joints the estimator is less sure of are not known.
        findings: takes the videos that are not there or whose file is damaged.

    Raises:
        DataError: there is none, or they have different joints.
    """
    clips: list[Clip] = []
    for video in listing.videos:
        try:
            extracted = read_extracted(cached_file(cache, video))
            clips.append(extracted.clip(
                video.name, label=video.label, group=video.group, least_score=least_score,
                layout=layout))
            layout = layout or extracted.layout
        except DataError as error:
            if findings is None:
                raise
            findings.skip(video.name, error)
    if layout is None:
        raise DataError(
            f'{cache} holds nothing of {listing.name}: `neuropose preprocess` fills it')
    return ClipSet(listing.name, layout, tuple(clips), listing.labels, listing.source)


def _one(video: Video, cache: Path, extractor: Extractor) -> _Outcome:
    try:
        extracted = extractor.extract(video)
    except NeuroposeError as error:
        return _Outcome(video, problem=str(error))
    path = cached_file(cache, video)
    try:
        write_extracted(extracted, path)
    except OSError as error:
        need = 'make room there' if error.errno in _FULL else 'give permission there'
        return _Outcome(video, stop=f'{path} cannot be written ({error.strerror or error}): '
                                    f'{need}, or choose another folder')
    return _Outcome(video, damage=extracted.damage)


def _here(todo: Sequence[Video], cache: Path, extractor: Extractor) -> Iterator[_Outcome]:
    for video in todo:
        yield _one(video, cache, extractor)


def _in_processes(
    todo: Sequence[Video], cache: Path, make: Callable[[], Extractor], workers: int,
) -> Iterator[_Outcome]:
    """Keep a few videos per worker in flight, so that a stop does not wait for all of them."""
    rest = iter(todo)
    # Forking would copy the threads' locks of networks that are loaded here.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, context, _start, (make, cache)) as pool:
        running: set[Future[_Outcome]] = {
            pool.submit(_work, video) for video in islice(rest, 2 * workers)}
        try:
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                running |= {pool.submit(_work, video) for video in islice(rest, len(finished))}
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Extractor, Path] | None = None


def _start(make: Callable[[], Extractor], cache: Path) -> None:
    global _worker
    _worker = make(), cache


def _work(video: Video) -> _Outcome:
    if _worker is None:
        raise RuntimeError('this is no worker')
    extractor, cache = _worker
    return _one(video, cache, extractor)
