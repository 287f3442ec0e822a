"""What a session says of its own quality, in one pass over its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.recording.session import Session

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

STATES = len(JointState)
LATENCIES = ('receive', 'preprocess', 'inference', 'postprocess')
LATE_S = 0.5
"""Beyond this age results are of no use to a robot that reacts to people."""
_SAMPLES = 12
_SEEN = (JointState.MEASURED, JointState.CORRECTED)


@dataclass(frozen=True)
class Times:
    """When things happened that are numbered: frames of a camera.

    Attributes:
        stamps_ns: (N,) times of acquisition, in the order of recording.
        numbers: (N,) frame_seq.
        epochs: (N,).
        arrivals_ns: (N,) at the recorder; 0 = never live.
    """

    stamps_ns: Counts
    numbers: Counts
    epochs: Counts
    arrivals_ns: Counts

    def __len__(self) -> int:
        """Return N."""
        return len(self.stamps_ns)

    @property
    def together(self) -> NDArray[np.bool_]:
        """(N - 1,) whether a frame follows the one before in the same epoch and in time."""
        return np.asarray((np.diff(self.epochs) == 0) & (np.diff(self.stamps_ns) > 0))

    @property
    def intervals_s(self) -> Floats:
        """(N - 1,) from frame to frame, NaN over the borders of epochs."""
        return np.where(self.together, np.diff(self.stamps_ns) / 1e9, np.nan)

    @property
    def missing(self) -> Counts:
        """(N - 1,) how many numbers are left out between two frames."""
        return np.where(self.together, np.maximum(np.diff(self.numbers) - 1, 0), 0)

    @property
    def ages_s(self) -> Floats:
        """(N,) from acquisition to arrival, NaN where nothing was live."""
        return np.where(
            self.arrivals_ns > 0, (self.arrivals_ns - self.stamps_ns) / 1e9, np.nan)

    @property
    def rate_hz(self) -> float:
        """The usual rate: 1 over the median interval; NaN without two frames."""
        known = self.intervals_s[np.isfinite(self.intervals_s)]
        return float(1 / np.median(known)) if known.size else float('nan')


@dataclass
class Track:
    """One identity: when it was there, and whether it was away in between."""

    first_ns: int
    last_ns: int
    frames: int = 0
    interruptions: int = 0
    longest_away_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """From its first frame to its last."""
        return (self.last_ns - self.first_ns) / 1e9


@dataclass(frozen=True)
class Stage:
    """What the people of one topic are like.

    Attributes:
        topic: as recorded.
        statuses: frames by status.
        skipped: frames that a stage said it did not look at.
        latencies_ms: (N, 4) as `LATENCIES`.
        people: (N,) in each frame, lost ones left out.
        states: (N, 8) joints of these by `JointState`.
        innovations: (N,) median distance of measured joints from the predicted ones as a share
            of the person's size; NaN where none is known.
        tracks: by (epoch, track_id).
        joints: name -> (measured, all), of the layout that most frames have.
        samples: frames with people, evenly spread.
    """

    topic: str
    times: Times
    statuses: Counter[FrameStatus]
    skipped: int
    latencies_ms: Floats
    people: Counts
    states: Counts
    innovations: Floats
    tracks: dict[tuple[int, int], Track]
    joints: dict[str, tuple[int, int]]
    samples: tuple[PoseFrame, ...]

    @property
    def measured(self) -> float:
        """The share of joints that were measured; NaN where nobody was."""
        total = int(self.states.sum())
        return float(self.states[:, _SEEN].sum() / total) if total else float('nan')


@dataclass(frozen=True)
class Clock:
    """How the clock of a stream of signals ran against that of the session.

    Attributes:
        stamps_ns, offsets_s, uncertainties_s: (N,) by chunk.
        lost: samples that the stream itself, or gaps in its numbers, tell to be lost.
    """

    stream: str
    stamps_ns: Counts
    offsets_s: Floats
    uncertainties_s: Floats
    samples: int
    lost: int


@dataclass(frozen=True)
class Quality:
    """All that the report tells.

    Attributes:
        frames: of the camera; those of the first stage where the camera told nothing.
        frames_told: the camera told them.
        stages: by topic, the best one first.
        losses: what the recorder itself counted, name -> number.
        notes: what befell the recording, sentences.
    """

    frames: Times
    frames_told: bool
    stages: tuple[Stage, ...]
    clocks: tuple[Clock, ...]
    losses: dict[str, int]
    notes: tuple[str, ...]
    layouts: dict[str, SkeletonLayout] = field(default_factory=dict)

    @property
    def start_ns(self) -> int:
        """The first time in the session; 0 = it is empty."""
        first = [times.stamps_ns.min() for times in self._all() if len(times)]
        first += [clock.stamps_ns.min() for clock in self.clocks]
        return int(min(first, default=0))

    @property
    def duration_s(self) -> float:
        """From the first time to the last."""
        last = [times.stamps_ns.max() for times in self._all() if len(times)]
        last += [clock.stamps_ns.max() for clock in self.clocks]
        return (int(max(last, default=0)) - self.start_ns) / 1e9

    @property
    def first_stage(self) -> Stage:
        """The stage that looked at the pictures; there must be a stage."""
        return _first(self.stages)

    def _all(self) -> list[Times]:
        return [self.frames, *(stage.times for stage in self.stages)]


def measure(session: Session) -> Quality:
    """Read a session.

    Raises:
        SessionError: it is damaged.
    """
    collectors: dict[str, _Collector] = {}
    for recorded in session.recorded('people'):
        collector = collectors.setdefault(recorded.topic, _Collector(recorded.topic, session))
        collector.add(recorded.value, recorded.arrival_ns)
    stages = tuple(collectors[topic].stage() for topic in session.pose_topics)
    infos = [(one.value, one.arrival_ns) for one in session.recorded('frames')]
    frames = _times((i.stamp_ns, i.frame_seq, i.epoch, arrival) for i, arrival in infos)
    if not infos and stages:
        frames = _first(stages).times
    return Quality(
        frames, bool(infos), stages, _clocks(session), _losses(session), _notes(session),
        {sample.layout: session.layout(sample.layout)
         for stage in stages for sample in stage.samples})


def _first(stages: Sequence[Stage]) -> Stage:
    return next((stage for stage in stages if stage.topic == 'poses'), stages[-1])


def _times(rows: Iterable[tuple[int, int, int, int]]) -> Times:
    # Numbers of frames are unsigned of 64 bits: only their differences matter here.
    table = np.array([(s, n & (2**63 - 1), e, a) for s, n, e, a in rows], np.int64)
    return Times(*table.reshape(-1, 4).T)


class _Collector:
    """Gathers one topic, frame by frame."""

    def __init__(self, topic: str, session: Session) -> None:
        self._topic, self._session = topic, session
        self._rows: list[tuple[int, int, int, int]] = []
        self._statuses: Counter[FrameStatus] = Counter()
        self._skipped = 0
        self._latencies: list[tuple[float, float, float, float]] = []
        self._people: list[int] = []
        self._states: list[Counts] = []
        self._innovations: list[float] = []
        self._tracks: dict[tuple[int, int], Track] = {}
        self._joints: dict[str, tuple[int, Counts]] = {}
        self._samples: list[PoseFrame] = []
        self._stride, self._with_people = 1, 0

    def add(self, frame: PoseFrame, arrival_ns: int) -> None:
        """Take the next frame."""
        self._rows.append((frame.stamp_ns, frame.frame_seq, frame.epoch, arrival_ns))
        self._statuses[frame.status] += 1
        self._skipped += frame.skipped_before
        self._latencies.append(
            (frame.receive_ms, frame.preprocess_ms, frame.inference_ms, frame.postprocess_ms))
        persons = [one for one in frame.persons if one.track_state != TrackState.LOST]
        self._people.append(len(persons))
        states = np.zeros(STATES, np.int64)
        for person in persons:
            states += np.bincount(person.keypoint_states, minlength=STATES)[:STATES]
            self._add_joints(frame.layout, person)
            if person.track_id >= 0:
                self._add_track(frame, person.track_id)
        self._states.append(states)
        self._innovations.append(_innovation(persons))
        if persons:
            self._sample(frame)

    def _add_joints(self, layout: str, person: PersonPose) -> None:
        people, measured = self._joints.get(layout, (0, np.zeros(1, np.int64)))
        self._joints[layout] = (people + 1, measured + np.isin(person.keypoint_states, _SEEN))

    def _add_track(self, frame: PoseFrame, track_id: int) -> None:
        track = self._tracks.setdefault(
            (frame.epoch, track_id), Track(frame.stamp_ns, frame.stamp_ns))
        if track.frames and self._rows[-2][0] != track.last_ns:
            track.interruptions += 1
            track.longest_away_s = max(
                track.longest_away_s, (frame.stamp_ns - track.last_ns) / 1e9)
        track.frames += 1
        track.last_ns = frame.stamp_ns

    def _sample(self, frame: PoseFrame) -> None:
        """Keep every n-th frame; when there are twice as many as wanted, every other of these."""
        if self._with_people % self._stride == 0:
            self._samples.append(frame)
            if len(self._samples) == 2 * _SAMPLES:
                self._samples = self._samples[::2]
                self._stride *= 2
        self._with_people += 1

    def stage(self) -> Stage:
        """Return what was gathered."""
        chosen = np.unique(np.linspace(
            0, len(self._samples) - 1, min(_SAMPLES, len(self._samples))).round().astype(int))
        return Stage(
            self._topic, _times(self._rows), self._statuses, self._skipped,
            np.array(self._latencies).reshape(-1, len(LATENCIES)), np.array(self._people),
            np.array(self._states).reshape(-1, STATES), np.array(self._innovations),
            self._tracks, self._joint_shares(), tuple(self._samples[i] for i in chosen))

    def _joint_shares(self) -> dict[str, tuple[int, int]]:
        if not self._joints:
            return {}
        layout, (people, measured) = max(self._joints.items(), key=lambda item: item[1][0])
        names = self._session.layout(layout).names
        return {name: (int(seen), people) for name, seen in zip(names, measured, strict=True)}


def _innovation(persons: Iterable[PersonPose]) -> float:
    shares = []
    for person in persons:
        size = float((person.box[2:] - person.box[:2]).max())
        if person.keypoint_innovations is not None and size > 0:
            distances = np.hypot(*person.keypoint_innovations.T.astype(np.float64))
            shares.append(distances[np.isfinite(distances)] / size)
    known = np.concatenate(shares) if shares else np.empty(0)
    return float(np.median(known)) if known.size else float('nan')


def _clocks(session: Session) -> tuple[Clock, ...]:
    chunks: dict[str, list[tuple[int, float, float, int, int, int]]] = {}
    for chunk in session.signals():
        chunks.setdefault(chunk.stream, []).append((
            chunk.stamp_ns, chunk.clock_offset_s, chunk.clock_uncertainty_s, len(chunk.data),
            chunk.lost_samples, chunk.sequence))
    return tuple(_clock(stream, rows) for stream, rows in sorted(chunks.items()))


def _clock(stream: str, rows: list[tuple[int, float, float, int, int, int]]) -> Clock:
    stamps, offsets, uncertainties, samples, told, sequences = zip(*rows, strict=True)
    gaps = sum(max(0, second - first - count) for first, second, count in zip(
        sequences, sequences[1:], samples[:-1], strict=False))
    return Clock(stream, np.array(stamps, np.int64), np.array(offsets, float),
                 np.array(uncertainties, float), sum(samples), max(gaps, sum(told)))


def _losses(session: Session) -> dict[str, int]:
    losses = {}
    for name in ('lost', 'missing', 'skipped'):
        told = session.facts.get(name)
        if isinstance(told, dict):
            losses.update({f'{name}: {key}': int(count) for key, count in told.items() if count})
    return losses


def _notes(session: Session) -> tuple[str, ...]:
    notes = []
    if session.being_recorded:
        notes.append('It is still being recorded.')
    elif not session.closed:
        notes.append('The recording ended unexpectedly; what had been written is all here.')
    notes += [f'{torn.path.name}: {torn.lost_bytes} bytes at its end are torn.'
              for torn in session.torn if torn.lost_bytes]
    failure = session.facts.get('failure')
    if failure:
        notes.append(f'The recorder gave up: {failure}')
    return (*notes, *(sentence for _, sentence in session.log))
