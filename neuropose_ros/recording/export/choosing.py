"""Which poses of a session are exported, and that they fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.layouts import convert_frame
from neuropose_ros.core.layouts import layout as built_in_layout
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.session import Session


@dataclass(frozen=True)
class Choice:
    """What a person may choose.

    Attributes:
        topic: which poses; '' = poses_refined, else poses.
        layout: name of a built-in layout to convert to; '' = as recorded.
        epoch: only this part of a recording that restarted; None = all.
    """

    topic: str = ''
    layout: str = ''
    epoch: int | None = None


def material_of(session: Session, choice: Choice) -> Material:
    """Return what of a session is exported: pseudonyms, no paths, no names of machines.

    Raises:
        SessionError: it has no such poses, or they have several layouts.
        LayoutError: there is no such layout to convert to.
    """
    topic = session.topic(choice.topic)
    layouts, epochs = _found(session, topic)
    if choice.epoch is not None and choice.epoch not in epochs:
        raise SessionError(f'{session.path}: {topic} have no epoch {choice.epoch}; they have '
                           f'{", ".join(map(str, sorted(epochs)))}')
    known = {name: session.layout(name) for name in layouts}
    if choice.layout:
        target = built_in_layout(choice.layout)
    elif len(known) == 1:
        target = next(iter(known.values()))
    else:
        raise SessionError(
            f'{session.path}: {topic} come in several skeleton layouts '
            f'({", ".join(sorted(known))}); choose one to convert all of them to')
    about = session.about
    return Material(
        name=session.path.resolve().name, layout=target, topic=topic,
        frames=_frames(session, topic, choice.epoch, known, target),
        subjects=about.subjects, task=about.task, software=_software(about.software),
        infos=_infos(session, choice.epoch), actions=_of_epoch(session.actions, choice.epoch),
        label_sets=session.label_sets(), signals=session.signals,
        signal_infos=session.signal_infos(), metrics=session.metrics,
        events=tuple(session.events()), corrections=tuple(session.corrections()))


def _found(session: Session, topic: str) -> tuple[set[str], set[int]]:
    """Return the layouts of people (of empty frames, if nobody ever came) and the epochs."""
    of_people: set[str] = set()
    of_frames: set[str] = set()
    epochs: set[int] = set()
    for batch in session.batches('people'):
        columns = (batch.column(name).to_pylist() for name in (
            'topic', 'layout', 'person', 'epoch'))
        for of_topic, layout, person, epoch in zip(*columns, strict=True):
            if of_topic == topic:
                (of_frames if person < 0 else of_people).add(layout)
                epochs.add(epoch)
    return of_people or of_frames, epochs


def _frames(
    session: Session, topic: str, epoch: int | None, known: dict[str, SkeletonLayout],
    target: SkeletonLayout,
) -> Callable[[], Iterator[PoseFrame]]:
    def frames() -> Iterator[PoseFrame]:
        for frame in session.poses(topic):
            if epoch in {None, frame.epoch}:
                yield convert_frame(frame, known.get(frame.layout, target), target)
    return frames


def _infos(session: Session, epoch: int | None) -> Callable[[], Iterator[FrameInfo]]:
    """A source can be a path or an address: it stays behind."""
    return lambda: (replace(info, source='') for info in session.frames()
                    if epoch in {None, info.epoch})


def _of_epoch(
    values: Callable[[], Iterator[ActionFrame]], epoch: int | None,
) -> Callable[[], Iterator[ActionFrame]]:
    return lambda: (value for value in values() if epoch in {None, value.epoch})


def _software(versions: dict[str, str]) -> str:
    own = 'neuropose_ros'
    return f'{own} {versions[own]}' if own in versions else own
