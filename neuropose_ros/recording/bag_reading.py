"""Bags (rosbag2, MCAP or SQLite) read without ROS, closed properly or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import DataError
from neuropose_ros.recording.bag_storage import (
    SoundStorage,
    Storage,
    Topic,
    TornMcap,
    TornSqlite,
)
from neuropose_ros.recording.bag_types import own_types

METADATA = 'metadata.yaml'
_TORN: dict[str, Callable[[Path], Storage]] = {'.mcap': TornMcap, '.db3': TornSqlite}


def is_bag(path: Path) -> bool:
    """Whether a path looks like a bag: a storage file, or a folder with some."""
    if path.is_dir():
        return (path / METADATA).is_file() or bool(storage_files(path))
    return path.suffix in _TORN


def storage_files(path: Path) -> list[Path]:
    """Return the storage files of a bag, in the order of their numbers."""
    if not path.is_dir():
        return [path]
    found = (file for file in path.iterdir() if {*file.suffixes} & _TORN.keys())

    def number(file: Path) -> tuple[int, str]:
        last = re.search(r'_(\d+)(?=\.(?:mcap|db3)(?:\.|$))', file.name)
        return int(last.group(1)) if last else 0, file.name

    return sorted(found, key=number)


class Bag:
    """A bag, open for reading.

    Attributes:
        topics: by name.
    """

    def __init__(self, path: Path, storages: list[Storage], notes: list[str]) -> None:
        """Take what `open_bag` found."""
        self.path = path
        self._storages = storages
        self._notes = notes
        self._readers: dict[str, Callable[[bytes], Any]] = {}
        self.topics: dict[str, Topic] = {}
        for storage in storages:
            for name, topic in storage.topics.items():
                known = self.topics.get(name)
                if known is not None and known.type != topic.type:
                    raise DataError(
                        f'{path}: the topic {name} has two types, {known.type} and {topic.type}')
                if known is None or not known.definition:
                    self.topics[name] = topic

    @property
    def damage(self) -> str:
        """What was missing, when all was read; '' = nothing."""
        found = (storage.damage for storage in self._storages)
        return '; '.join(dict.fromkeys(filter(None, (*self._notes, *found))))

    def of_type(self, kind: str) -> list[str]:
        """Return the names of the topics of a type, as ``sensor_msgs/msg/Image``."""
        return sorted(name for name, topic in self.topics.items() if topic.type == kind)

    def messages(self, topics: Collection[str]) -> Iterator[tuple[str, int, Any]]:
        """Yield (topic, time of recording in ns, message) in the order of recording.

        Raises:
            DataError: the type of a message is not known, or its bytes are not one.
        """
        for storage in self._storages:
            for raw in storage.messages(topics):
                topic = self.topics[raw.topic.name]
                try:
                    message = self._reader(topic)(raw.data)
                except DataError:
                    raise
                except Exception as error:
                    raise DataError(f'{self.path}: a message on {topic.name} is no {topic.type} '
                                    f'({type(error).__name__}: {error})') from error
                yield topic.name, raw.log_ns, message

    def _reader(self, topic: Topic) -> Callable[[bytes], Any]:
        reader = self._readers.get(topic.type)
        if reader is None:
            reader = self._readers[topic.type] = _reader_of(self.path, topic)
        return reader


def _reader_of(path: Path, topic: Topic) -> Callable[[bytes], Any]:
    """Return what reads a type: by the definition in the bag, else by the installed one."""
    store = own_types()
    if topic.definition:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        store = get_typestore(Stores.EMPTY)
        try:
            store.register(get_types_from_msg(topic.definition, topic.type))
        except Exception as error:
            raise DataError(f'{path}: the definition of {topic.type} in it cannot be read '
                            f'({error})') from error
    elif topic.type not in store.types:
        raise DataError(f'{path}: {topic.name} is of the type {topic.type}, of which neither the '
                        'bag nor this installation has the definition')
    kind = topic.type
    return lambda data: store.deserialize_cdr(data, kind)


def open_bag(path: Path) -> Bag:
    """Open a storage file, or a folder of them with or without metadata.yaml.

    Raises:
        DataError: it is no bag, or nothing of it can be read.
    """
    if not path.exists():
        raise DataError(f'{path}: there is no such bag')
    files = storage_files(path)
    notes = []
    if path.is_dir() and (path / METADATA).is_file():
        try:
            return Bag(path, [SoundStorage(path)], [])
        except DataError as error:
            if not files:
                raise
            notes.append(f'{METADATA} does not fit ({error}), the files are read by themselves')
    elif path.is_dir():
        notes.append(f'{METADATA} is missing, the files are read by themselves')
    if not files:
        raise DataError(f'{path}: no bag: it has no {METADATA} and no .mcap or .db3 file')
    storages: list[Storage] = []
    problems = []
    for file in files:
        try:
            storages.append(_open_file(file))
        except DataError as error:
            problems.append(str(error))
    if not storages:
        raise DataError(problems[0])
    return Bag(path, storages, notes + problems)


def _open_file(file: Path) -> Storage:
    try:
        return SoundStorage(file)
    except DataError:
        torn = _TORN.get(file.suffix)
        if torn is None:
            raise
        return torn(file)
