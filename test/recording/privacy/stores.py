"""A store with sessions of one and of two subjects, in which a pseudonym is all over the place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker, MovementMetric
from neuropose_ros.core.pose import SceneEmbedding
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.pseudonyms import SubjectKey
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.upkeep import add_export
from neuropose_ros.recording.writer import SessionWriter

from ..people import START_NS, action_frame, floats, person, pose_frame

KEY = SubjectKey(b'k' * 32, Path('subject.key'))
ANNA = Subject.of('Anna', KEY, 'measurements,video', '2031-12-31', [(0, 1), (1, 4)])
BERT = Subject.of('Bert', KEY, 'measurements', tracks=[(0, 2), (1, 1)])


@dataclass(frozen=True)
class Store:
    """Where the sessions lie.

    Attributes:
        alone: of Anna only; both: of Anna and Bert; other: of Bert only.
        copy_inside, copy_outside: exports of `both`.
    """

    root: Path
    alone: Path
    both: Path
    other: Path
    copy_inside: Path
    copy_outside: Path


def make_sessions(root: Path) -> None:
    """Write the sessions."""
    write(root / 'day-1' / 'alone', ANNA)
    write(root / 'day-1' / 'both', ANNA, BERT)
    write(root / 'other', BERT)
    for path in (root / 'day-1').iterdir():
        write_bag(path / 'bag' / 'bag.mcap')
        (path / 'video-0.mp4').write_bytes(b'pictures of ' + ANNA.pseudonym.encode())


def make_store(folder: Path, sessions: Path) -> Store:
    """Copy the sessions to where a test may do with them what it wants, and export one."""
    root = folder / 'store'
    shutil.copytree(sessions, root)
    store = Store(root, root / 'day-1' / 'alone', root / 'day-1' / 'both', root / 'other',
                  root / 'copies' / 'both.csv', folder / 'elsewhere' / 'both.csv')
    for copy in (store.copy_inside, store.copy_outside):
        copy.parent.mkdir()
        copy.write_text('a copy of both')
        add_export(store.both, copy, 'csv')
    return store


def write(path: Path, *subjects: Subject) -> None:
    """Write a session whose tables, notes and facts mention Anna's pseudonym."""
    anna = ANNA.pseudonym if ANNA in subjects else 'nobody'
    with SessionWriter(path, About(subjects, task='walk', notes=f'with {anna}')) as writer:
        put_values(writer, f'video of {anna}')
        writer.log(f'{anna} came in')


def put_values(writer: SessionWriter, frame_id: str = 'camera') -> None:
    """Put two tracks in epoch 0 and two in epoch 1, and somebody without a number."""
    writer.put_poses(pose_frame(0, person(1), person(2, seed=3)), 'poses')
    writer.put_poses(pose_frame(1, person(1)), 'poses')
    writer.put_poses(pose_frame(2, person(-1, seed=8), person(2, seed=5)), 'poses')
    writer.put_poses(pose_frame(3, person(4), person(1, seed=7), epoch=1), 'poses')
    writer.put_actions(action_frame(0, 1, 2))
    writer.put_metric(MovementMetric(START_NS, 1, 'cadence', 1.9, 'Hz'))
    writer.put_metric(MovementMetric(START_NS, 2, 'cadence', 1.7, 'Hz'))
    writer.put_scene(SceneEmbedding(START_NS, 0, 'clip', floats(1, 8), frame_id))
    writer.put_signal(SignalChunk(START_NS, 'eeg', 0, floats(1, 4, 2), frame_id))
    writer.put_note(SignalInfo('eeg', 'EEG', ('C3', 'C4'), ('uV', 'uV'), 500.0))
    writer.put_note(EventMarker(START_NS, 'subject', frame_id))
    for number, track in enumerate((1, 2)):
        writer.put_note(Correction(
            START_NS, f'c{number}', CorrectionKind.LABEL, 'both', 0, track, 0, 1, 'walk',
            np.array([], np.uint16), floats(0, 0, 2), 'p', 1, '', 'camera'))


def write_bag(path: Path) -> None:
    """Write an MCAP file in which the pseudonym lies compressed."""
    from mcap.writer import Writer

    path.parent.mkdir(exist_ok=True)
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema('text', 'text', b'')
        channel = writer.register_channel('text', 'text', schema)
        letters = np.random.default_rng(0).choice(list('aaaaaaaaeeeebc-2'), 4000)
        text = ''.join(letters) + ANNA.pseudonym + ''.join(letters[::-1])
        writer.add_message(channel, 1, text.encode(), 1)
        writer.finish()
