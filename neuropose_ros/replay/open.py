"""One word names a recording: a session, a bag, or what gives pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.recording import folder
from neuropose_ros.recording.bag_reading import METADATA, is_bag
from neuropose_ros.recording.session import open_session
from neuropose_ros.replay.bag_input import BagInput
from neuropose_ros.replay.bag_topics import IMAGES
from neuropose_ros.replay.inputs import Input
from neuropose_ros.replay.pictures import PicturesInput
from neuropose_ros.replay.session_input import SessionInput, read_lived


@dataclass(frozen=True)
class Choice:
    """What to take of recordings that have several things.

    Attributes:
        images: one of `IMAGES`; ``none`` = the recorded poses are refined anew.
        namespace: of the flow in a bag; None = the only one.
        topic: of the images in a bag; '' = image_raw.
    """

    images: str = 'auto'
    namespace: str | None = None
    topic: str = ''

    def __post_init__(self) -> None:
        """Refuse other words.

        Raises:
            DataError: ``images`` is none of `IMAGES`.
        """
        if self.images not in IMAGES:
            raise DataError(f'images {self.images!r}: must be one of {", ".join(IMAGES)}')


def open_input(spec: str, choice: Choice | None = None) -> Input:
    """Open a recording.

    Raises:
        NeuroposeError: there is no such recording, or it cannot be read.
    """
    choice = choice or Choice()
    path = Path(spec.removeprefix('file://')).expanduser()
    if folder.is_session(path):
        return _open_session(path, choice)
    if path.exists() and is_bag(path):
        return _open_bag(path, choice)
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f'{path}: the folder is empty; a bag has a {METADATA} or a .mcap or .db3 '
                        f'file, a session a {folder.DATABASE}')
    return PicturesInput(spec)


def _open_bag(path: Path, choice: Choice) -> BagInput:
    return BagInput(
        path, images=choice.images, namespace=choice.namespace, topic=choice.topic)


def _open_session(path: Path, choice: Choice) -> Input:
    # A bag whose recorder was killed has no metadata.
    bags = sorted(entry for entry in path.iterdir() if is_bag(entry))
    if choice.images != 'none':
        for bag in bags:
            found = _pictures_of(bag, choice)
            if found is not None:
                # The tables say more of the live run than a bag that may hold images alone.
                found.lived = read_lived(path)
                with open_session(path) as session:
                    found.subjects = session.about.subjects
                    found.corrections = tuple(session.corrections())
                return found
    if choice.images in {'raw', 'compressed'} or choice.topic:
        raise DataError(f'{path}: the session has no bag with such images')
    return SessionInput(path)


def _pictures_of(bag: Path, choice: Choice) -> BagInput | None:
    try:
        found = _open_bag(bag, choice)
    except DataError:
        if choice != Choice():
            raise
        return None
    return found if found.has_pictures else None
