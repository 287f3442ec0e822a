"""Results to be compared: of a replay, a session or a bag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core import action_wire, wire
from neuropose_ros.core.errors import DataError
from neuropose_ros.recording import folder
from neuropose_ros.recording.bag_reading import is_bag, open_bag
from neuropose_ros.recording.session import open_session
from neuropose_ros.replay.bag_topics import find_topics
from neuropose_ros.replay.canonical import STREAMS, Answer
from neuropose_ros.replay.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class Results:
    """Where results lie.

    Attributes:
        streams: those of `STREAMS` that are there.
        manifest: None = nothing is known of how they came about.
    """

    path: Path
    streams: tuple[str, ...]
    manifest: Manifest | None = None
    _topics: tuple[tuple[str, str], ...] = ()

    def answers(self, stream: str) -> Iterator[Answer]:
        """Yield the results of a stream in the order of their making.

        Raises:
            NeuroposeError: they cannot be read.
        """
        if self._topics:
            return self._of_bag(dict(self._topics)[stream])
        return self._of_session(stream)

    def _of_session(self, stream: str) -> Iterator[Answer]:
        with open_session(self.path) as session:
            yield from session.actions() if stream == 'actions' else session.poses(stream)

    def _of_bag(self, topic: str) -> Iterator[Answer]:
        actions = topic.rpartition('/')[2] == 'actions'
        for _, _, message in open_bag(self.path).messages({topic}):
            try:
                yield (action_wire.action_frame_from_message(message) if actions
                       else wire.pose_frame_from_message(message))
            except ValueError as error:
                raise DataError(f'{self.path}: a message on {topic} contradicts itself: {error}'
                                ) from error


def open_results(path: Path) -> Results:
    """Open results.

    Raises:
        NeuroposeError: there are none, or they cannot be read.
    """
    if folder.is_session(path):
        with open_session(path) as session:
            streams = [name for name in STREAMS if name in session.pose_topics]
            streams += ['actions'] if any(True for _ in session.batches('actions')) else []
        return Results(path, tuple(streams), read_manifest(path))
    if path.exists() and is_bag(path):
        topics = find_topics(open_bag(path), images='none')
        named = (('poses', topics.poses), ('poses_refined', topics.poses_refined),
                 ('actions', topics.actions))
        found = tuple((name, topic) for name, topic in named if topic)
        return Results(path, tuple(name for name, _ in found), None, found)
    raise DataError(f'{path}: no results: give a session, a folder that `neuropose replay` made, '
                    'or a bag')


def find_results(path: Path) -> dict[str, Results]:
    """Return the results in a folder by name; one that is results itself has the name ''.

    Raises:
        NeuroposeError: there are none, or they cannot be read.
    """
    if not path.exists():
        raise DataError(f'{path}: there is nothing of that name')
    inside = {} if not path.is_dir() or folder.is_session(path) or is_bag(path) else {
        entry.name: open_results(entry) for entry in sorted(path.iterdir())
        if folder.is_session(entry) and not entry.name.startswith('.')}
    return inside or {'': open_results(path)}
