"""One recording through the stages, in lock-step: what comes out is a session of its own."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from neuropose_ros.core.behind import Later, beside, in_line
from neuropose_ros.core.clocks import FILE_EPOCH_NS
from neuropose_ros.core.errors import DataError, NeuroposeError
from neuropose_ros.core.layouts import layout as built_in_layout
from neuropose_ros.core.pose import Frame, FrameStatus, PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.software import software_versions
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.pipeline import Pipeline, Result
from neuropose_ros.recording import folder
from neuropose_ros.recording.about import About
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.corrections import CorrectionLog
from neuropose_ros.replay.ahead import read_ahead
from neuropose_ros.replay.canonical import ResultHash
from neuropose_ros.replay.inputs import Input, Item, Unreadable
from neuropose_ros.replay.keeping import Keeper
from neuropose_ros.replay.manifest import Manifest, Mode, Request, write_manifest
from neuropose_ros.replay.open import Choice
from neuropose_ros.replay.pictures import sha256_of
from neuropose_ros.replay.stages import Stages

Progress = Callable[[int], object]
PARTIAL = '.partial'


@dataclass(frozen=True)
class Order:
    """What is to be replayed, and how.

    Attributes:
        spec: path of a recording, or ``synthetic[:SCENE]``.
        name: of the folder of the results.
        corrected: what people said of the recording changes the refined poses.
    """

    spec: str
    name: str
    mode: Mode = 'ideal'
    choice: Choice = field(default_factory=Choice)
    corrected: bool = True


def request_of(order: Order, source: Input, stages: Stages) -> Request:
    """Return what decides over the results.

    Raises:
        NeuroposeError: a file cannot be read.
    """
    return Request(
        source.kind, sha256_of(source.files, order.spec), order.mode, asdict(order.choice),
        stages.settings.by_node(), dict(stages.models), software_versions(), FILE_EPOCH_NS,
        _log_of(order, source).sha256)


def _log_of(order: Order, source: Input) -> CorrectionLog:
    return CorrectionLog(source.corrections if order.corrected else ())


def replay(
    order: Order, source: Input, request: Request, stages: Stages, out: Path, *,
    overlap: bool = True, progress: Progress | None = None,
) -> Manifest:
    """Replay an input into ``out / order.name``, which appears when all is in it.

    Args:
        source: is read and closed.
        overlap: read ahead and finish behind in threads of their own, where there are processors
            for them; the results are the same.
        progress: gets the number of frames so far, from time to time.

    Raises:
        NeuroposeError: it cannot be read on, or results cannot be written.
    """
    run = _Run(order, source, stages)
    partial_folder = out / f'.{order.name}{PARTIAL}'
    if folder.in_use(partial_folder):
        raise NeuroposeError(f'{out / order.name}: another replay is making it at this moment')
    shutil.rmtree(partial_folder, ignore_errors=True)
    about = About(
        # Track ids are others than in the recording; who it may be stays known.
        subjects=tuple(replace(subject, tracks=()) for subject in source.subjects),
        kind='replay', software=request.software, models=request.models,
        parameters=request.parameters, extra={
            'input': Path(order.spec).name, 'input_sha256': request.sha256, 'mode': order.mode})
    began_s = time.time()
    try:
        with SessionWriter(partial_folder, about, clock=lambda: FILE_EPOCH_NS) as writer:
            if stages.recogniser is not None:
                writer.put_note(stages.recogniser.description.labels)
            for correction in run.corrector.log.all():
                writer.put_note(correction)
            keeper = Keeper(writer, run.layout)
            with beside() if overlap else in_line() as later:
                items = read_ahead(source.items()) if overlap else _generated(source.items())
                run.through(items, keeper, later, progress or _unwatched)
        if writer.failure:
            raise NeuroposeError(writer.failure)
        manifest = run.manifest(request, keeper.results, began_s)
        write_manifest(manifest, partial_folder)
        partial_folder.rename(out / order.name)
    except OSError as error:
        raise NeuroposeError(
            f'{out / order.name}: cannot be written ({error.strerror})') from error
    finally:
        source.close()
        shutil.rmtree(partial_folder, ignore_errors=True)
    return manifest


def _unwatched(_: int) -> None:
    """Nobody wants to know how far it is."""


def _generated(items: Iterator[Item]) -> Generator[Item]:
    yield from items


class _Run:
    """The stages and counters of one replay."""

    def __init__(self, order: Order, source: Input, stages: Stages) -> None:
        self._order, self._source = order, source
        self.corrector = Corrector(_log_of(order, source), as_said=order.mode == 'as-lived')
        self._pipeline: Pipeline = stages.pipeline(
            lens=source.lens, layouts=self.layout, corrector=self.corrector)
        self._lived = source.lived if order.mode == 'as-lived' else None
        if order.mode == 'as-lived' and not self._lived:
            raise DataError(f'{order.spec}: as lived means as its recorded poses say, and there '
                            'are none in it: replay it with --mode ideal')
        self._infos: deque[FrameInfo | None] = deque()  # of the frames that refinement holds
        self._frames = self._skipped = self._errors = 0

    def layout(self, name: str) -> SkeletonLayout:
        return self._source.layouts.get(name) or built_in_layout(name)

    def through(
        self, items: Generator[Item], keeper: Keeper, later: Later, progress: Progress,
    ) -> None:
        told_s = time.monotonic()
        with closing(items):
            for item in items:
                self._take(item, keeper, later)
                now_s = time.monotonic()
                if now_s - told_s > 0.5:
                    told_s = now_s
                    progress(self._frames)
                    keeper.check()
        later.settle()
        for result in self._pipeline.flush():
            self._keep(result, keeper)
        progress(self._frames)
        if not self._frames:
            raise DataError(f'{self._order.spec}: there is no frame in it to replay')

    def manifest(self, request: Request, results: ResultHash, began_s: float) -> Manifest:
        elapsed_s = time.time() - began_s
        return Manifest(
            Path(self._order.spec).name, request, results.hexdigest, results.streams,
            results.counts, self._frames, self._skipped, self._errors,
            self._pipeline.restarts, self.corrector.counters.corrected_frames,
            self._findings(results), self._live_streams(),
            {'began_s': began_s, 'elapsed_s': elapsed_s,
             'frames_per_s': self._frames / elapsed_s})

    def _take(self, item: Item, keeper: Keeper, later: Later) -> None:
        """Look at the next item now, and do later what the next look does not wait for."""
        if isinstance(item, SceneEmbedding):
            later.put(partial(self._pass_scene, item, keeper))
            return
        known = item.info if isinstance(item, Unreadable) else item
        lived = None
        if self._lived is not None:
            lived = self._lived.take(known.stamp_ns, known.frame_seq)
            if lived is None:
                self._skipped += 1
                return
        self._frames += 1
        if isinstance(item, PoseFrame):
            finish, info = partial(self._pipeline.process_poses, item, lived), None
        elif isinstance(item, Unreadable):
            poses = self._pipeline.unreadable(
                item.info, seq_is_local=item.seq_is_local, settle=later.settle)
            finish, info = partial(self._pipeline.process_poses, poses, lived), item.info
        else:
            look = self._pipeline.look(item, lived, later.settle)
            finish, info = partial(self._pipeline.finish, look, lived), _info(item)
        later.put(partial(self._finish, finish, info, keeper))

    def _pass_scene(self, scene: SceneEmbedding, keeper: Keeper) -> None:
        self._pipeline.put_scene(scene)
        keeper.keep_scene(scene)

    def _finish(
        self, finish: Callable[[], Result | None], info: FrameInfo | None, keeper: Keeper,
    ) -> None:
        self._infos.append(info)
        result = finish()
        if result is not None:
            self._keep(result, keeper)

    def _keep(self, result: Result, keeper: Keeper) -> None:
        self._errors += result.poses.status is FrameStatus.ERROR
        keeper.keep(result, self._infos.popleft())

    def _findings(self, results: ResultHash) -> dict[str, int | str]:
        found = dict(self._source.findings()) | self._on_corrections(results)
        if self._pipeline.missing_feedback:
            found['missing_feedback'] = self._pipeline.missing_feedback
        return found

    def _on_corrections(self, results: ResultHash) -> dict[str, int | str]:
        corrector = self.corrector
        found = {'corrections_refused': '; '.join(corrector.log.problems)}
        if self._order.mode == 'ideal':  # a live run knew nothing of what was said later
            found['corrections_without_effect'] = ', '.join(corrector.unused())
        poses = self._live_streams().get('poses')
        if corrector.counters.corrected_frames and poses not in {
                None, results.streams.get('poses')}:
            found['corrections_unsure'] = (
                'poses are not those of the recording, so track ids may be of others; '
                '--images none refines the recorded poses')
        return {name: text for name, text in found.items() if text}

    def _live_streams(self) -> dict[str, str]:
        return {} if self._source.lived is None else self._source.lived.results.streams


def _info(frame: Frame) -> FrameInfo:
    return FrameInfo(
        frame.stamp_ns, frame.frame_seq, frame.frame_id, frame.epoch, frame.source, frame.policy,
        frame.rectified)
