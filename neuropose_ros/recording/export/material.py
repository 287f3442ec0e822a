"""What of a session goes into an export: one kind of poses, in one skeleton layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from neuropose_ros.core.action import ActionFrame, LabelSet
from neuropose_ros.core.events import Correction, EventMarker, MovementMetric
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.privacy.subjects import Subject


def _no_signals(_: str) -> Iterator[SignalChunk]:
    return iter(())


@dataclass(frozen=True)
class Material:
    """What is exported; everything but the poses may be absent.

    Nothing here says who or where somebody is: no path, no name of a machine, only a pseudonym.

    Attributes:
        name: what the files are called, without suffix.
        layout: of all frames.
        frames: the poses, in order of recording; each call begins anew.
        topic: which poses, as ``poses_refined``.
        subjects: who the session is about.
        task: what was done; '' = not known.
        software: name and version of what made the poses.
        infos: of the pictures, without saying where they came from.
        signals: the chunks of a stream, or of all for ''.
    """

    name: str
    layout: SkeletonLayout
    frames: Callable[[], Iterable[PoseFrame]]
    topic: str = 'poses'
    subjects: tuple[Subject, ...] = ()
    task: str = ''
    software: str = ''
    infos: Callable[[], Iterable[FrameInfo]] = tuple
    actions: Callable[[], Iterable[ActionFrame]] = tuple
    label_sets: Mapping[str, LabelSet] = field(default_factory=dict)
    signals: Callable[[str], Iterator[SignalChunk]] = _no_signals
    signal_infos: Mapping[str, SignalInfo] = field(default_factory=dict)
    metrics: Callable[[], Iterable[MovementMetric]] = tuple
    events: tuple[EventMarker, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def stem(self) -> str:
        """The name as part of a file name that every system takes."""
        return re.sub(r'[^A-Za-z0-9._-]+', '-', self.name).strip('-.') or 'session'

    @property
    def subject(self) -> str:
        """The pseudonym of the one subject; '' where there is none or there are several."""
        return self.subjects[0].pseudonym if len(self.subjects) == 1 else ''

    def subject_of(self, epoch: int, track_id: int) -> str:
        """Return the pseudonym of whom a track is of; '' = not known."""
        named = [subject.pseudonym for subject in self.subjects
                 if (epoch, track_id) in subject.tracks]
        if named:
            return named[0]
        return self.subject if self.subjects and not self.subjects[0].tracks else ''

    def streams(self) -> list[str]:
        """Return the signal streams that have samples, in order of name."""
        return sorted({chunk.stream for chunk in self.signals('')})
