"""Reading a session, whole or torn, in the values of the flow or as arrays and frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from neuropose_ros.core.action import ActionFrame, LabelSet
from neuropose_ros.core.errors import LayoutError, SessionError
from neuropose_ros.core.events import Correction, EventMarker, MovementMetric
from neuropose_ros.core.layouts import layout as built_in_layout
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording import arrays, folder
from neuropose_ros.recording.about import About
from neuropose_ros.recording.arrow import arrow, parquet
from neuropose_ros.recording.compaction import parquet_file
from neuropose_ros.recording.database import CLOSED, DatabaseReader, Export
from neuropose_ros.recording.schema import TABLES, schema_of
from neuropose_ros.recording.segments import Torn, read_batches, segments_of
from neuropose_ros.recording.values import Recorded, values_of

BEST_FIRST = ('poses_refined', 'poses')


def open_session(path: str | Path) -> Session:
    """Open a recorded session for reading; nothing in it is changed.

    Raises:
        SessionError: it is no session, damaged, or of a newer version.
    """
    return Session(Path(path))


class Session:
    """A session on disk; a context manager that gives the files back.

    Attributes:
        path: its folder.
        facts: everything that it says of itself, by name.
    """

    def __init__(self, path: Path) -> None:
        """Open; `open_session` is the way in.

        Raises:
            SessionError: it is no session, damaged, or of a newer version.
        """
        self.path = path
        self._database = DatabaseReader(path)
        self.facts: dict[str, Any] = self._database.facts

    def close(self) -> None:
        """Give the files back."""
        self._database.close()

    def __enter__(self) -> Session:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    # -- what it says of itself -----------------------------------------------------------------

    @property
    def about(self) -> About:
        """Whose session it is, and what made it."""
        return self._database.about()

    def exports(self) -> list[Export]:
        """Return the copies that were made of it."""
        return self._database.exports()

    @property
    def closed(self) -> bool:
        """Whether the recording ended in order; else a recorder is at it, or was killed."""
        return bool(self.facts['state'] == CLOSED)

    @property
    def being_recorded(self) -> bool:
        """Whether a recorder is writing it at this moment."""
        return folder.in_use(self.path)

    @cached_property
    def torn(self) -> tuple[Torn, ...]:
        """Segments whose end is missing, and how much; empty for a session that was closed."""
        torn: list[Torn] = []
        for table in TABLES:
            if not parquet_file(self.path, table).exists():
                for segment in segments_of(self.path / folder.SEGMENTS, table):
                    for _ in read_batches(segment, torn):
                        pass
        return tuple(torn)

    @property
    def log(self) -> list[tuple[int, str]]:
        """What befell the recording: time in ns and a sentence."""
        return self._database.log()

    # -- tables as they are stored ----------------------------------------------------------------

    def batches(self, table: str, columns: Sequence[str] = ()) -> Iterator[Any]:
        """Yield the Arrow record batches of a table; memory for one of them is enough.

        Args:
            columns: which ones; by default all.

        Raises:
            SessionError: there is no such table, or its file is damaged.
        """
        if table not in TABLES:
            raise SessionError(f'a session has no table {table!r}; it has {", ".join(TABLES)}')
        names = list(columns) or schema_of(table).names
        file = parquet_file(self.path, table)
        if not file.exists():
            for segment in segments_of(self.path / folder.SEGMENTS, table):
                yield from (batch.select(names) for batch in read_batches(segment))
            return
        pa = arrow()
        try:
            with parquet().ParquetFile(file) as opened:
                yield from opened.iter_batches(batch_size=4096, columns=names)
        except (pa.ArrowException, OSError) as error:
            raise SessionError(f'{file}: this table is damaged ({error})') from error

    def table(self, name: str) -> Any:
        """Return a whole table as ``pyarrow.Table``; ``.to_pandas()`` makes it a data frame.

        Raises:
            SessionError: as `batches`.
        """
        batches = list(self.batches(name))
        return arrow().Table.from_batches(batches, schema_of(name))

    def recorded(self, table: str) -> Iterator[Recorded]:
        """Yield the values of a table with their time of arrival, in the order of recording."""
        return values_of(table, self.batches(table))

    # -- values ---------------------------------------------------------------------------------

    @cached_property
    def pose_topics(self) -> tuple[str, ...]:
        """The topics that people come from, the best one first."""
        import pyarrow.compute

        found: set[str] = set()
        for batch in self.batches('people', ['topic']):
            found |= set(pyarrow.compute.unique(batch.column('topic')).to_pylist())
        return (*(topic for topic in BEST_FIRST if topic in found),
                *sorted(found - set(BEST_FIRST)))

    def poses(self, topic: str = '') -> Iterator[PoseFrame]:
        """Yield the frames of one topic; by default poses_refined, else poses, else another.

        Raises:
            SessionError: there is no such topic.
        """
        topic = self.topic(topic)
        return (found.value for found in self.recorded('people') if found.topic == topic)

    def topic(self, topic: str = '') -> str:
        """Return ``topic``, or the best one where it is empty.

        Raises:
            SessionError: there is no such topic, or no people at all.
        """
        if not self.pose_topics:
            raise SessionError(f'{self.path}: nobody was recorded in this session')
        if topic and topic not in self.pose_topics:
            raise SessionError(f'{self.path}: there are no people of {topic!r}; there are of '
                               f'{", ".join(self.pose_topics)}')
        return topic or self.pose_topics[0]

    def frames(self) -> Iterator[FrameInfo]:
        """Yield what is known of each picture."""
        return (found.value for found in self.recorded('frames'))

    def actions(self) -> Iterator[ActionFrame]:
        """Yield what people do."""
        return (found.value for found in self.recorded('actions'))

    def scenes(self) -> Iterator[SceneEmbedding]:
        """Yield what pictures look like."""
        return (found.value for found in self.recorded('scenes'))

    def signals(self, stream: str = '') -> Iterator[SignalChunk]:
        """Yield the chunks of one stream, or of all."""
        chunks = (found.value for found in self.recorded('signals'))
        return (chunk for chunk in chunks if stream in {'', chunk.stream})

    def metrics(self) -> Iterator[MovementMetric]:
        """Yield measures."""
        return (found.value for found in self.recorded('metrics'))

    def events(self) -> list[EventMarker]:
        """Return event markers by time."""
        return self._database.events()

    def corrections(self) -> list[Correction]:
        """Return corrections by time, also those taken back."""
        return self._database.corrections()

    def layouts(self) -> dict[str, SkeletonLayout]:
        """Return the recorded skeleton layouts by id."""
        return self._database.layouts()

    def layout(self, name: str) -> SkeletonLayout:
        """Return a layout by its id, recorded or built in.

        Raises:
            SessionError: it is neither.
        """
        recorded = self.layouts().get(name)
        if recorded is not None:
            return recorded
        try:
            return built_in_layout(name)
        except LayoutError as error:
            raise SessionError(
                f'{self.path}: its layout {name} was not recorded and is not built in') from error

    def label_sets(self) -> dict[str, LabelSet]:
        """Return label sets by id."""
        return self._database.label_sets()

    def signal_infos(self) -> dict[str, SignalInfo]:
        """Return what each stream of signals is."""
        return self._database.signal_infos()

    # -- two lines --------------------------------------------------------------------------------

    def numpy(self, topic: str = '') -> arrays.PoseArrays:
        """Return the people of one topic as arrays.

        Raises:
            SessionError: nobody was recorded, or layouts change on the way.
        """
        return arrays.pose_arrays(self, topic)

    def xarray(self, topic: str = '') -> Any:
        """Return an xarray.Dataset with the dimensions of the package movement."""
        return arrays.dataset(self.numpy(topic))

    def pandas(self, topic: str = '') -> Any:
        """Return a pandas.DataFrame with one row per time, person and joint."""
        return arrays.data_frame(self.numpy(topic))

    def signal(self, stream: str) -> arrays.SignalArrays:
        """Return all samples of one stream with their times.

        Raises:
            SessionError: there is no such stream.
        """
        return arrays.signal_arrays(self, stream)
