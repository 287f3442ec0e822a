"""Our own recordings: bags with poses and event markers, cut into labelled clips.

A bag (a rosbag2 folder, MCAP or SQLite, or a lone .mcap file) holds `PersonArray` on a topic that
ends in ``poses_refined`` or, without one, ``poses``, and `EventMarker`. The convention: a marker
whose name is the label and whose value is ``start`` begins a clip at its header's stamp, the next
marker of that name with the value ``stop`` ends it. ``start 3`` means the person with track id 3;
otherwise it is the one who is seen in most frames. Markers with other values mean something else
and are left alone. Labels may overlap. `SceneEmbedding` messages of that time come along.

Bags lie in the folder itself or one deeper, ``<subject>/<bag>``: a subject is then never on both
sides of a split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import DataError, LayoutError
from neuropose_ros.core.layouts import convert_frame, layout
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.datasets.bags import BagContent, Marker, bags_in, read_bag
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import make_clip

START, STOP = 'start', 'stop'
_KNOWN = (JointState.MEASURED, JointState.CORRECTED)


@dataclass(frozen=True)
class Stretch:
    """A labelled time of a recording.

    Attributes:
        track_id: None = whoever is seen most.
    """

    label: str
    start_ns: int
    stop_ns: int
    track_id: int | None = None


def read_recordings(
    root: Path, findings: Findings | None = None, *, target: SkeletonLayout | None = None,
) -> ClipSet:
    """Read all bags below a folder; a group is a subject's folder, or else a bag.

    Args:
        root: folder with the bags; its name becomes that of the label set.
        findings: takes bags and markers that cannot be used.
        target: layout to convert to; without, that of the first frame with a person.

    Raises:
        DataError: there is no bag, or no bag gives a labelled clip.
    """
    findings = Findings() if findings is None else findings
    paths = bags_in(root)
    if not paths:
        raise DataError(f'{root}: there is no bag in it (a folder with metadata.yaml, or .mcap)')
    name = root.resolve().name or 'recordings'
    clips: list[tuple[str, Clip]] = []
    for path in paths:
        title = path.relative_to(root).with_suffix('').as_posix() if path != root else path.name
        group = title.partition('/')[0]
        try:
            content = read_bag(path)
            target = target or _first_layout(content)
            clips += list(_clips(content, title, group, target, findings))
        except (DataError, LayoutError) as error:
            findings.skip(title, error)
    if not clips or target is None:
        raise DataError(f'{root}: no recording gives a labelled clip; {findings.report()}')
    labels = LabelSet(name, tuple(sorted({label for label, _ in clips})))
    return ClipSet(name, target, tuple(
        replace(clip, label=labels.index(label)) for label, clip in clips), labels,
        'recordings of your own')


def stretches(markers: tuple[Marker, ...], title: str, findings: Findings) -> list[Stretch]:
    """Return the labelled times between start and stop markers."""
    found: list[Stretch] = []
    open_ones: dict[str, Stretch] = {}
    for marker in markers:
        word, _, rest = marker.value.strip().lower().partition(' ')
        where = f'{title}: marker {marker.name!r} at {marker.stamp_ns / NS_PER_S:.3f} s'
        if word not in (START, STOP):
            continue
        begun = open_ones.pop(marker.name, None)
        if word == START:
            if begun is not None:
                findings.skip(where, 'it starts again before it has stopped')
            track = rest.strip()
            if track and not track.isdecimal():
                findings.skip(where, f'{rest!r} behind start is no track id')
                continue
            open_ones[marker.name] = Stretch(
                marker.name, marker.stamp_ns, 0, int(track) if track else None)
        elif begun is None:
            findings.skip(where, 'it stops without having started')
        elif marker.stamp_ns <= begun.start_ns:
            findings.skip(where, 'it stops before it has started: time went back')
        else:
            found.append(replace(begun, stop_ns=marker.stamp_ns))
    for label in open_ones:
        findings.skip(f'{title}: marker {label!r}', 'it starts and never stops')
    return found


@dataclass
class _Seen:
    """One person during a stretch."""

    times_ns: list[int] = field(default_factory=list)
    poses: list[PersonPose] = field(default_factory=list)


def _first_layout(content: BagContent) -> SkeletonLayout | None:
    for frame in content.frames:
        if frame.persons:
            return _layout(frame, content)
    return None


def _layout(frame: PoseFrame, content: BagContent) -> SkeletonLayout:
    """Return the layout that a frame names.

    Raises:
        LayoutError: neither the bag nor this version has it.
    """
    return content.layouts.get(frame.layout) or layout(frame.layout)


def _clips(
    content: BagContent, title: str, group: str, target: SkeletonLayout | None,
    findings: Findings,
) -> Iterator[tuple[str, Clip]]:
    numbers: Counter[str] = Counter()
    for stretch in stretches(content.markers, title, findings):
        numbers[stretch.label] += 1
        name = f'{title}/{stretch.label}_{numbers[stretch.label]}'
        people: dict[int, _Seen] = {}
        for frame in content.frames:
            if not stretch.start_ns <= frame.stamp_ns <= stretch.stop_ns or target is None:
                continue
            source = _layout(frame, content)
            if any(len(person.keypoints) != len(source) for person in frame.persons):
                raise DataError(f'a person has other joints than {source.id}, which the frame '
                                'names')
            for person in _one_of_each(convert_frame(frame, source, target)):
                if stretch.track_id in (None, person.track_id):
                    seen = people.setdefault(person.track_id, _Seen())
                    seen.times_ns.append(frame.stamp_ns)
                    seen.poses.append(person)
        if not people:
            who = 'nobody' if stretch.track_id is None else f'no track {stretch.track_id}'
            findings.skip(name, f'{who} is seen between its markers')
            continue
        main = max(people.values(), key=lambda seen: len(seen.times_ns))
        clip = _clip(name, group, main, content.scenes, stretch, findings)
        if clip is not None:
            yield stretch.label, clip


def _one_of_each(frame: PoseFrame) -> Iterable[PersonPose]:
    """Return one person for each track id: untracked people share one, the surest counts."""
    return {person.track_id: person
            for person in sorted(frame.persons, key=lambda person: person.score)}.values()


def _clip(
    name: str, group: str, seen: _Seen, scenes: tuple[SceneEmbedding, ...], stretch: Stretch,
    findings: Findings,
) -> Clip | None:
    points = np.stack([person.keypoints for person in seen.poses])
    states = np.stack([person.keypoint_states for person in seen.poses])
    points = np.where(np.isin(states, _KNOWN)[..., np.newaxis], points, np.float32(np.nan))
    times_s = (np.array(seen.times_ns, np.int64) - seen.times_ns[0]) / NS_PER_S
    scores = np.stack([person.keypoint_scores for person in seen.poses])
    clip = make_clip(findings, name, points, times_s, -1, group, scores)
    inside = [s for s in scenes if stretch.start_ns <= s.stamp_ns <= stretch.stop_ns]
    if clip is None or not inside or len({scene.embedding.shape for scene in inside}) > 1:
        return clip
    return replace(
        clip, scene=np.stack([scene.embedding for scene in inside]).astype(np.float32),
        scene_times_s=np.array(
            [(scene.stamp_ns - seen.times_ns[0]) / NS_PER_S for scene in inside]))
