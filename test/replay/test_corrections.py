"""What people said of a recording changes its window in a replay, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core import event_wire
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.core.pose import JointState, PoseFrame
from neuropose_ros.pipeline import Result
from neuropose_ros.recording import open_session
from neuropose_ros.recording.upkeep import add_notes
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.corrections import CorrectionLog
from neuropose_ros.replay.canonical import canonical_bytes
from neuropose_ros.replay.manifest import Manifest
from neuropose_ros.replay.open import Choice, open_input
from neuropose_ros.replay.run import Order, replay, request_of

from .flow import START_NS, STEP_NS, Recorder, dot_frames, run_live, stages, write_session

SAID_NS = START_NS + 3600 * 10**9
FIRST, LAST = 10, 14


def at_ns(index: int) -> int:
    return START_NS + index * STEP_NS


def correction(kind: CorrectionKind, **extra: object) -> Correction:
    values = {'id': 'c1', 'track_id': 1, 'window_start_ns': at_ns(FIRST),
              'window_end_ns': at_ns(LAST), **extra}
    return Correction(values.pop('stamp_ns', SAID_NS), kind=kind, **values)


WRIST = correction(
    CorrectionKind.KEYPOINTS, keypoint_indices=np.array([9], np.uint16),
    keypoints=np.array([(5, 6)], np.float32))
REJECT = correction(CorrectionKind.REJECT, id='c2')
IDENTITY = correction(CorrectionKind.IDENTITY, id='c3', label='7')
UNDO = Correction(SAID_NS + 1, 'u1', CorrectionKind.UNKNOWN, undoes='c1')


def replayed(path: Path, out: Path, *, mode: str = 'ideal', images: str = 'auto',
             corrected: bool = True) -> tuple[Manifest, list[PoseFrame]]:
    name = f'{path.name}-{len(list(out.iterdir()))}'
    order = Order(str(path), name, mode, Choice(images), corrected)
    source, networks = open_input(order.spec, order.choice), stages()
    made = replay(order, source, request_of(order, source, networks), networks, out)
    with open_session(out / name) as session:
        return made, list(session.poses('poses_refined'))


def session_with(folder: Path, *corrections: Correction,
                 live: Iterable[Result] | None = None) -> Path:
    path = write_session(folder, live or run_live(dot_frames(30)))
    add_notes(path, corrections)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / 'out').mkdir()
    return tmp_path / 'out'


@pytest.mark.parametrize('said', [WRIST, REJECT, IDENTITY], ids=lambda one: one.kind.name)
def test_only_the_window_changes(tmp_path: Path, out: Path, said: Correction) -> None:
    before, plain = replayed(session_with(tmp_path / 'plain'), out)
    made, found = replayed(session_with(tmp_path / 'said', said), out)
    differing = [index for index, (a, b) in enumerate(zip(plain, found, strict=True))
                 if canonical_bytes(a) != canonical_bytes(b)]
    assert differing == list(range(FIRST, LAST + 1))
    assert made.corrected == LAST - FIRST + 1
    assert made.streams['poses'] == before.streams['poses']
    assert made.request.corrections != before.request.corrections == ''
    assert made.findings == {}
    assert found[FIRST].persons[0].track_id == (7 if said is IDENTITY else 1)
    assert (found[FIRST].persons[0].keypoint_states == JointState.CORRECTED).sum() == (
        said is WRIST)


def test_what_is_taken_back_or_left_out_gives_the_results_of_before(
    tmp_path: Path, out: Path,
) -> None:
    plain = replayed(session_with(tmp_path / 'plain'), out)[0]
    said = session_with(tmp_path / 'said', WRIST)
    assert replayed(said, out)[0].sha256 != plain.sha256
    assert replayed(said, out, corrected=False)[0].sha256 == plain.sha256
    assert replayed(session_with(tmp_path / 'undone', WRIST, UNDO), out)[0].sha256 == plain.sha256


def test_results_keep_what_was_said_and_replay_to_the_same(tmp_path: Path, out: Path) -> None:
    said = session_with(tmp_path / 'said', WRIST, UNDO, IDENTITY)
    first = replayed(said, out)[0]
    results = out / 'said-0'
    with open_session(results) as session:
        assert [one.id for one in session.corrections()] == ['c1', 'c3', 'u1']
    again = replayed(results, out)[0]
    assert again.streams == first.streams
    assert again.corrected == first.corrected == 5


def test_corrections_that_nothing_is_left_of_are_told(tmp_path: Path, out: Path) -> None:
    late = replace(WRIST, id='late', window_start_ns=at_ns(99), window_end_ns=at_ns(99))
    stranger = replace(REJECT, id='stranger', track_id=5)
    broken = replace(REJECT, id='broken', window_start_ns=at_ns(LAST + 1))
    made, _ = replayed(session_with(tmp_path / 'said', late, stranger, broken), out)
    assert made.corrected == 0
    assert made.findings['corrections_without_effect'] == 'late, stranger'
    assert 'ends before it begins' in str(made.findings['corrections_refused'])


def live_with(said: Correction) -> list[Result]:
    """A live run that hears of a correction before its first frame."""
    corrector = Corrector(CorrectionLog((said,)), as_said=True)
    return [replace(result, refined=corrector.apply(result.refined))
            for result in run_live(dot_frames(30))]


def test_a_live_run_with_a_correction_is_lived_again_and_ideally_its_past_is_corrected(
    tmp_path: Path, out: Path,
) -> None:
    said = replace(REJECT, stamp_ns=at_ns(12) - 5)
    path = session_with(tmp_path / 'said', said, WRIST, live=live_with(said))
    lived = replayed(path, out, mode='as-lived')[0]
    assert lived.same_as_live == {'poses': True, 'poses_refined': True}
    assert (lived.corrected, lived.findings) == (3, {})
    ideal = replayed(path, out)[0]
    assert ideal.same_as_live == {'poses': True, 'poses_refined': False}
    assert ideal.corrected == 5


def test_a_bag_has_corrections_too_and_other_poses_make_them_unsure(
    tmp_path: Path, out: Path,
) -> None:
    frames = dot_frames(30)
    recorder = Recorder().frames(frames).results(run_live(frames))
    recorder.messages.append(
        ('/corrections', event_wire.correction_to_message(WRIST, recorder.types)))
    made, found = replayed(recorder.write(tmp_path / 'bag'), out)
    assert (made.corrected, made.findings) == (5, {})
    assert found[FIRST].persons[0].keypoint_states[9] == JointState.CORRECTED
    skipping = Recorder().frames(frames).results(run_live(frames, every=3))
    skipping.messages.append(recorder.messages[-1])
    made, _ = replayed(skipping.write(tmp_path / 'skipping'), out)
    assert 'corrections_unsure' in made.findings
    made, _ = replayed(tmp_path / 'skipping', out, images='none')
    assert made.findings == {}
