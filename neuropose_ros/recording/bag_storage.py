"""Storage files of bags, sound or torn, message by message and not yet deserialised."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neuropose_ros.core.errors import DataError
from neuropose_ros.recording.bag_types import MISSING_ROSBAGS

_MISSING_MCAP = 'reading a damaged MCAP file needs the package mcap: pip install mcap'


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a bag.

    Attributes:
        type: as ``sensor_msgs/msg/Image``.
        definition: of the type, in .msg form, with all that it is made of; '' = not in the bag.
    """

    name: str
    type: str
    definition: str = ''


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message as it was recorded.

    Attributes:
        log_ns: when it was recorded.
        data: in CDR.
    """

    topic: Topic
    log_ns: int
    data: bytes


class Storage(Protocol):
    """A storage file, or a folder of them with their metadata.

    Attributes:
        damage: what was missing, in one sentence, when all was read; '' = nothing.
    """

    damage: str
    topics: dict[str, Topic]

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Return the messages of some topics."""
        ...


class SoundStorage:
    """What rosbags reads: a closed MCAP or SQLite file, or a folder with metadata.yaml."""

    def __init__(self, path: Path) -> None:
        """Read the topics.

        Raises:
            DataError: it cannot be read; a torn file may give something all the same.
        """
        self._path = path
        self.damage = ''
        try:
            from rosbags.interfaces import MessageDefinitionFormat
            from rosbags.rosbag2 import Reader
        except ImportError as error:
            raise DataError(f'{path}: {MISSING_ROSBAGS}') from error
        try:
            with Reader(path) as reader:
                self.topics = {
                    c.topic: Topic(
                        c.topic, c.msgtype,
                        c.msgdef.data if c.msgdef.format == MessageDefinitionFormat.MSG else '')
                    for c in reader.connections}
        except Exception as error:  # what reads storage and metadata has no common base
            raise DataError(f'{path}: {error}') from error

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Return the messages of some topics in the order of their recording."""
        from rosbags.rosbag2 import Reader

        count = 0
        with Reader(self._path) as reader:
            wanted = [c for c in reader.connections if c.topic in topics]
            if not wanted:
                return
            messages = reader.messages(wanted)
            while True:
                try:
                    connection, log_ns, data = next(messages)
                except StopIteration:
                    return
                except Exception as error:  # noqa: BLE001 - storage errors have no common base
                    self.damage = (
                        f'{self._path.name} is damaged after {count} messages ({error})')
                    return
                count += 1
                yield RawMessage(self.topics[connection.topic], log_ns, bytes(data))


class TornMcap:
    """An MCAP file without its end, read from its beginning; a chunk that is cut is lost."""

    def __init__(self, path: Path) -> None:
        """Read through once to know the topics.

        Raises:
            DataError: there is nothing to be read, or the package mcap is not there.
        """
        self._path = path
        self.damage = ''
        self.topics = {message.topic.name: message.topic for message in self._messages()}
        if not self.topics:
            raise DataError(f'{path}: cut off or damaged before its first message')

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Return the messages of some topics in the order of writing."""
        return (message for message in self._messages() if message.topic.name in topics)

    def _messages(self) -> Iterator[RawMessage]:
        try:
            from mcap.exceptions import McapError
            from mcap.records import Channel, Message, Schema
            from mcap.stream_reader import StreamReader
        except ImportError as error:
            raise DataError(f'{self._path}: {_MISSING_MCAP}') from error
        schemas: dict[int, Schema] = {}
        topics: dict[int, Topic] = {}
        count = 0
        with self._path.open('rb') as stream:
            # The length in a damaged record may be anything: no more than the file is read.
            limit = self._path.stat().st_size
            try:
                for record in StreamReader(
                        stream, record_size_limit=limit, validate_crcs=True).records:
                    if isinstance(record, Schema):
                        schemas[record.id] = record
                    elif isinstance(record, Channel):
                        schema = schemas[record.schema_id]
                        text = schema.data.decode() if schema.encoding == 'ros2msg' else ''
                        topics[record.id] = Topic(record.topic, schema.name, text)
                    elif isinstance(record, Message):
                        count += 1
                        yield RawMessage(topics[record.channel_id], record.log_time, record.data)
            except (McapError, EOFError, LookupError, ValueError, RuntimeError,
                    struct.error) as error:
                self.damage = (f'{self._path.name} is cut off or damaged after {count} messages '
                               f'({type(error).__name__})')


class TornSqlite:
    """A SQLite file that is not whole, read row by row."""

    def __init__(self, path: Path) -> None:
        """Read the topics.

        Raises:
            DataError: not even these can be read.
        """
        self._path = path
        self.damage = ''
        try:
            with closing(self._open()) as database:
                rows = database.execute('SELECT id, name, type FROM topics').fetchall()
        except sqlite3.Error as error:
            raise DataError(
                f'{path}: cut off or damaged before its first message ({error})') from error
        self._by_id = {number: Topic(name, kind) for number, name, kind in rows}
        self.topics = {topic.name: topic for topic in self._by_id.values()}

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Return the messages of some topics in the order of writing."""
        count = 0
        try:
            with closing(self._open()) as database:
                # From the table itself: an index may be what is cut off.
                for number, log_ns, data in database.execute(
                        'SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id'):
                    count += 1
                    topic = self._by_id.get(number)
                    if topic is not None and topic.name in topics:
                        yield RawMessage(topic, log_ns, data)
        except sqlite3.Error as error:
            self.damage = (
                f'{self._path.name} is cut off or damaged after {count} messages ({error})')

    def _open(self) -> sqlite3.Connection:
        uri = f'{self._path.absolute().as_uri()}?immutable=1'
        database = sqlite3.connect(uri, uri=True)
        # Else a file that is shorter than its header says is refused as a whole.
        database.execute('PRAGMA writable_schema=ON')
        return database
