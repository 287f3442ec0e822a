"""People, time and evidence: what the stage answers, and when it says unknown."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import ActionPhase
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, SceneEmbedding

from .step_graphs import (
    FOUR,
    LABELS,
    PERIOD_NS,
    START_NS,
    find_layout,
    frame,
    load,
    person,
    run,
    stage,
)


def counts(this: ActionStage, track_id: int = 1) -> list[float]:
    """Return how many ticks a person's third joint was measured, and was not."""
    tracks = this._tracks
    return tracks._states['counts'][tracks.row[track_id]].tolist()


def test_a_known_action_with_its_evidence(tmp_path):
    this = stage(tmp_path)
    answer = run(this, 15, person())
    (action,) = answer.actions
    assert (action.top_label, action.top_index, action.reason) == ('a', 0, '')
    assert action.probabilities.sum() == pytest.approx(1)
    assert action.coverage == 1
    assert action.frames_used == 15
    assert action.window_start_ns == START_NS
    assert action.window_end_ns == answer.stamp_ns == START_NS + 14 * PERIOD_NS
    assert action.decision_delay_s == pytest.approx(0.1)
    p = 1 / (1 + np.exp(-6.0))
    assert action.entropy == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), rel=1e-4)
    assert answer.label_set == LABELS.id
    assert answer.model == 'tiny'
    assert (this.counters.ticks, this.counters.people) == (15, 15)


def test_the_window_forgets_what_is_older(tmp_path):
    this = stage(tmp_path)
    run(this, 30, person(missing='neck hand foot'))
    (action,) = run(this, 10, person(), first=30).actions
    assert action.frames_used == 20  # 1 s at 20 Hz
    assert action.window_start_ns == START_NS + 20 * PERIOD_NS
    assert action.coverage == pytest.approx(0.5 * 0.25 + 0.5)


def test_people_do_not_mix_however_they_come_and_go(tmp_path):
    """States follow the id through births, absences and departures in any order."""
    this = stage(tmp_path)
    rng = np.random.default_rng(3)
    expected: dict[int, list[int]] = {}
    seen: dict[int, int] = {}
    for tick in range(300):
        here = [i for i in range(6) if rng.random() < (0.9 if tick // 40 % 6 != i else 0.0)]
        hidden = {i: rng.random() < 0.5 for i in here}
        rng.shuffle(here)
        this.process(frame(tick, *(person(i, 'hand' if hidden[i] else '') for i in here)))
        for i in list(expected):
            if i not in here and tick - seen[i] > 20:
                del expected[i]
            elif i not in here:
                expected[i][1] += 1
        for i in here:
            if i in seen and tick - seen[i] > 20:
                expected.pop(i, None)
            seen[i] = tick
            expected.setdefault(i, [0, 0])[int(hidden[i])] += 1
    assert {i: counts(this, i) for i in this._tracks.row} == expected
    assert this.tracks == len(expected) >= 4


def test_all_people_are_one_run(tmp_path):
    this = stage(tmp_path)
    batches = []
    inner = this._recogniser.step

    def spy(keypoints, *rest):
        batches.append(len(keypoints))
        return inner(keypoints, *rest)

    this._recogniser.step = spy
    answer = run(this, 10, *(person(i, 'hips' if i % 2 else '') for i in range(8)))
    assert batches == [8] * 10
    assert [action.top_label for action in answer.actions] == ['a', 'b'] * 4


@pytest.mark.parametrize(('people', 'reason'), [
    ([person(-1)], 'no_track'), ([person(missing='hips neck hand foot')], 'thin_coverage'),
    ([person(missing='neck')], 'unlike_known')])
def test_unknown_says_why(tmp_path, people, reason):
    (action,) = run(stage(tmp_path), 15, *people).actions
    assert (action.top_label, action.top_index, action.reason) == ('unknown', -1, reason)
    assert action.phase is ActionPhase.UNKNOWN
    assert action.probabilities.sum() == pytest.approx(1)


def test_unlike_known_keeps_the_probabilities(tmp_path):
    this = stage(tmp_path)
    (action,) = run(this, 15, person(missing='neck')).actions
    assert action.probabilities[0] > 0.99
    assert action.unknown_score == 1
    this.parameters = ActionParameters(unknown_threshold=1.0)
    (action,) = run(this, 1, person(missing='neck'), first=15).actions
    assert action.reason == 'unlike_known'
    tolerant = stage(tmp_path, unknown_threshold=2.0)
    (action,) = run(tolerant, 15, person(missing='neck')).actions
    assert action.top_label == 'a'


def test_without_evidence_everything_is_as_probable(tmp_path):
    (action,) = run(stage(tmp_path), 3, person(-1)).actions
    np.testing.assert_array_equal(action.probabilities, [0.5, 0.5])
    assert action.entropy == pytest.approx(np.log(2))
    assert (action.frames_used, action.coverage, action.unknown_score) == (0, 0, 1)


def test_the_second_bearer_of_an_id_is_unknown(tmp_path):
    first, second = run(stage(tmp_path), 15, person(1), person(1, offset=99.0)).actions
    assert (first.reason, second.reason) == ('', 'no_track')


def test_a_track_of_three_frames_is_too_short(tmp_path):
    this = stage(tmp_path)
    assert [run(this, 1, person(), first=i).actions[0].reason for i in range(6)] == [
        'too_short'] * 4 + [''] * 2


@pytest.mark.parametrize('every', [2, 4, 5])
def test_three_frames_are_too_short_however_far_apart(tmp_path, every):
    """The ticks between them are measured at no time of their own."""
    this = stage(tmp_path)
    answers = [this.process(frame(i * every, person())).actions[0] for i in range(4)]
    assert [answer.reason for answer in answers] == ['too_short'] * 3 + ['']


def test_who_comes_between_two_ticks_is_too_short(tmp_path):
    this = stage(tmp_path)
    run(this, 3)
    (action,) = this.process(frame(2.3, person())).actions
    assert (action.reason, action.frames_used) == ('too_short', 0)


def test_evidence_is_as_old_as_the_frame_that_was_read(tmp_path):
    """Nearer the last frame, a joint that the newest one alone measured is not read."""
    this = stage(tmp_path)
    run(this, 10, person(missing='hips'))
    (action,) = this.process(frame(11.6, person(missing='neck hand foot'))).actions
    assert action.window_end_ns == START_NS + round(11.6 * PERIOD_NS)
    this = stage(tmp_path)
    run(this, 10, person(missing='hips'))
    (action,) = this.process(frame(10.6, person(missing='neck hand foot'))).actions
    assert action.window_end_ns == START_NS + round(10.6 * PERIOD_NS)
    this = stage(tmp_path)
    run(this, 10, person(missing='hips'))
    this.process(frame(9.7, person(missing='hips')))
    (action,) = this.process(frame(10.7, person(missing='neck hand foot'))).actions
    assert action.window_end_ns == START_NS + round(9.7 * PERIOD_NS)


def test_coverage_counts_measured_joints_alone(tmp_path):
    this = stage(tmp_path, ActionParameters(least_coverage=0.6))
    someone = person(missing='hand foot')
    (action,) = run(this, 30, someone).actions
    assert (action.coverage, action.reason) == (0.5, 'thin_coverage')
    corrected = replace(someone, keypoint_states=np.full(4, JointState.CORRECTED, np.uint8))
    (action,) = run(this, 20, corrected, first=30).actions
    assert (action.coverage, action.reason) == (1, '')


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e30, -2e6])
def test_a_joint_that_is_no_number_was_not_measured(tmp_path, value):
    someone = person()
    someone.keypoints[2] = value
    this = stage(tmp_path)
    (action,) = run(this, 10, someone).actions
    assert action.coverage == 0.75
    assert counts(this) == [0, 10]


def test_a_lost_person_grows_stale_and_is_forgotten(tmp_path):
    this = stage(tmp_path, unknown_threshold=2.0)
    run(this, 15, person())
    lost = person(missing='hips neck hand foot')
    (action,) = run(this, 8, lost, first=15).actions
    assert action.window_end_ns == START_NS + 14 * PERIOD_NS
    assert action.reason == ''
    (action,) = run(this, 4, lost, first=23).actions
    assert action.reason == 'stale'
    run(this, 22, first=27)
    assert this.tracks == 0
    assert this._tracks.phases == {}


def test_an_absence_is_ticks_without_a_measurement(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    run(this, 5, first=10)
    (action,) = run(this, 5, person(), first=15).actions
    assert counts(this) == [15, 5]
    assert action.coverage == pytest.approx(15 / 20)
    assert action.frames_used == 15


def test_after_a_long_absence_a_person_begins_anew(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person(), person(2))
    run(this, 21, person(2), first=10)
    (_, action) = run(this, 1, person(2), person(), first=31).actions
    assert action.reason == 'too_short'
    assert counts(this, 1) == [1, 0]
    assert counts(this, 2) == [32, 0]


def test_missing_frames_count_by_time_not_by_index(tmp_path):
    """A pause: ticks without evidence; a pause beyond the memory: everybody begins anew."""
    this = stage(tmp_path)
    run(this, 10, person())
    this.process(frame(20, person()))
    assert counts(this) == [11, 10]
    this.process(frame(41, person()))
    assert counts(this) == [1, 0]
    assert this.tracks == 1


def test_somebody_new_begins_with_the_tick_that_is_nearest(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    this.process(frame(13, person(), person(2)))  # four ticks are due
    assert (counts(this, 1), counts(this, 2)) == ([14, 0], [1, 0])
    this.process(frame(16.6, person(), person(2), person(3)))  # the last, 16, is nearer to 16.6
    assert (counts(this, 2), counts(this, 3)) == ([4, 0], [1, 0])
    this.process(frame(17.7, person(2), person(3), person(4)))  # 17 is nearer to 16.6
    assert (counts(this, 3), counts(this, 4)) == ([2, 0], [0, 0])
    this.process(frame(18.7, person(3), person(4)))
    assert counts(this, 4) == [1, 0]


def test_after_a_long_pause_the_ticks_in_between_are_not_run(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    this.process(frame(10 + 20 * 3600, person()))
    assert this.counters.ticks == 11


def test_a_camera_at_half_the_rate_is_bridged(tmp_path):
    this = stage(tmp_path)
    for tick in range(0, 30, 2):
        answer = this.process(frame(tick, person()))
    assert counts(this) == [29, 0]
    assert answer.actions[0].frames_used == 10
    assert answer.actions[0].coverage == 1


def test_a_camera_at_twice_the_rate_answers_in_between_with_what_was_used(tmp_path):
    this = stage(tmp_path)
    for tick in np.arange(0, 15, 0.5):
        answer = this.process(frame(tick, person()))
    assert counts(this) == [15, 0]
    assert answer.stamp_ns == START_NS + round(14.5 * PERIOD_NS)
    assert answer.actions[0].window_end_ns == START_NS + 14 * PERIOD_NS


@pytest.mark.parametrize('status', [FrameStatus.SKIPPED, FrameStatus.ERROR])
def test_a_frame_that_nobody_looked_at_is_no_evidence_either_way(tmp_path, status):
    this = stage(tmp_path)
    run(this, 10, person())
    assert this.process(frame(10, status=status)).actions == ()
    run(this, 1, person(), first=11)
    assert counts(this) == [12, 0]  # bridged


@pytest.mark.parametrize('changes', [
    {'stamp_ns': START_NS - 1}, {'epoch': 1}, {'frame_seq': -1}])
def test_backward_time_or_a_new_epoch_begins_anew_once(tmp_path, changes):
    this = stage(tmp_path)
    run(this, 10, person())
    (action,) = this.process(frame(10, person(), **changes)).actions
    assert action.reason == 'too_short'
    assert this.restarts == 1
    later = {'epoch': changes.get('epoch', 0), 'frame_seq': changes.get('frame_seq', 0)}
    for tick in range(11, 25):
        answer = this.process(frame(tick, person(), **later))
    assert this.restarts == 1
    assert answer.actions[0].top_label == 'a'


def test_the_same_frame_again_is_not_new_evidence(tmp_path):
    this = stage(tmp_path)
    answer = run(this, 10, person())
    assert this.process(frame(9, person())) is answer
    assert this.counters.repeats == 1


def test_a_frame_without_time_is_unknown_and_changes_nothing(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    (action,) = this.process(frame(10, person(), stamp_ns=0)).actions
    assert action.reason == 'no_time'
    run(this, 1, person(), first=10)
    assert counts(this) == [11, 0]


def test_unknown_joints_are_unknown_actions(tmp_path):
    this = stage(tmp_path)
    (action,) = this.process(frame(0, person(), layout='octopus@1234')).actions
    assert action.reason == 'no_layout'
    assert 'octopus' in this.last_error
    short = replace(person(), keypoints=np.zeros((3, 2), np.float32))
    (action,) = this.process(frame(1, short)).actions
    assert action.reason == 'no_layout'
    assert 'has 3 joints' in this.last_error
    run(this, 15, person(), first=2)
    assert this.last_error == ''


def test_another_layout_is_converted_and_derived_joints_need_all_parts(tmp_path):
    this = ActionStage(load(tmp_path, layout=JHMDB15))
    points = np.random.default_rng(0).uniform(0, 100, (17, 2)).astype(np.float32)
    states = np.full(17, JointState.MEASURED, np.uint8)
    states[COCO17.index('left_shoulder')] = JointState.OCCLUDED
    someone = PersonPose(points, np.ones(17, np.float32), states, np.zeros(4, np.float32),
                         track_id=1)
    for tick in range(10):
        answer = this.process(PoseFrame(
            START_NS + tick * PERIOD_NS, tick, COCO17.id, 99, 99, status=FrameStatus.OK,
            persons=(someone,)))
    # Neck and belly are means with the left shoulder in them.
    assert answer.actions[0].coverage == pytest.approx(12 / 15)
    assert this.counters.layout_changes == 0


def test_a_new_layout_in_the_stream_begins_anew(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    this._layouts = lambda name: replace(FOUR, name='fourth')
    (action,) = this.process(frame(10, person(), layout='fourth')).actions
    assert action.reason == 'too_short'
    assert this.counters.layout_changes == 1


def test_a_3d_recogniser_reads_metres(tmp_path):
    this = stage(tmp_path, dimensions=3)
    (action,) = run(this, 15, person()).actions
    assert action.reason == 'no_3d'
    flat = person(2)
    metres = np.concatenate([flat.keypoints / 100, np.ones((4, 1), np.float32)], 1)
    states = np.array([7, 7, 7, 3], np.uint8)
    someone = replace(flat, keypoints_3d=metres, keypoint_states_3d=states)
    (action,) = run(this, 15, someone, first=15).actions
    assert (action.top_label, action.coverage) == ('a', 0.75)


def scene(tick: float, model: str = 'eyes', value: float = 9.0) -> SceneEmbedding:
    return SceneEmbedding(START_NS + round(tick * PERIOD_NS), 0, model,
                          np.full(3, value, np.float32))


def test_the_scene_is_used_at_its_own_rate(tmp_path):
    this = stage(tmp_path, ActionParameters(scene_age_s=0.5), scene_model='eyes', scene_size=3)
    assert this.uses_scene
    assert this.scene_model == 'eyes'
    answer = run(this, 10, person())
    assert (answer.scene_stamp_ns, answer.actions[0].top_label) == (0, 'a')
    answer = this.process(frame(10, person()), scene(9))
    assert (answer.scene_stamp_ns, answer.actions[0].top_label) == (scene(9).stamp_ns, 'b')
    assert run(this, 9, person(), first=11).actions[0].top_label == 'b'
    answer = run(this, 1, person(), first=20)
    assert (answer.scene_stamp_ns, answer.actions[0].top_label) == (0, 'a')


def test_a_scene_of_another_encoder_is_refused_and_the_action_goes_on(tmp_path):
    this = stage(tmp_path, scene_model='eyes', scene_size=3)
    for tick in range(10):
        answer = this.process(frame(tick, person()), scene(0, 'ears'))
    assert 'trained with eyes' in this.last_error
    assert (answer.scene_stamp_ns, answer.actions[0].top_label) == (0, 'a')
    assert this.counters.refused_scenes == 1


def test_without_scenes_none_is_read(tmp_path):
    this = stage(tmp_path)
    assert not this.uses_scene
    answer = this.process(frame(0, person()), scene(0, 'ears'))
    assert (answer.scene_stamp_ns, this.last_error) == (0, '')
    off = stage(tmp_path, ActionParameters(use_scene=False), scene_model='eyes', scene_size=3)
    assert off.process(frame(0, person()), scene(0)).scene_stamp_ns == 0
    assert off.scene_model == ''


def test_a_network_that_fails_is_said_and_survived(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person())
    inner, this._recogniser.step = this._recogniser.step, failing
    (action,) = run(this, 1, person(), first=10).actions
    assert (action.reason, this.last_error) == ('error', 'no room')
    this._recogniser.step = inner
    (action,) = run(this, 15, person(), first=11).actions
    assert (action.top_label, this.last_error) == ('a', '')
    assert counts(this) == [15, 0]


def failing(*_: object) -> None:
    raise ModelError('no room')


def test_phases_of_a_change_of_action(tmp_path):
    this = stage(tmp_path, ActionParameters(phase_settle_s=0.15))
    phases = [run(this, 1, person(missing='hips' if tick >= 30 else ''), first=tick).actions[0]
              for tick in range(60)]
    first_b = next(i for i, a in enumerate(phases) if a.top_label == 'b')
    assert first_b == 30
    kinds = [action.phase for action in phases]
    assert kinds[8:30] == [ActionPhase.ONSET] * 7 + [ActionPhase.ONGOING] * 15
    assert kinds[33:41] == [ActionPhase.ONSET] * 8
    assert kinds[41:] == [ActionPhase.ONGOING] * 19


def test_counters_add_up(tmp_path):
    this = stage(tmp_path)
    run(this, 10, person(), person(-1))
    counters = this.counters
    assert counters.answers + sum(counters.reasons.values()) == counters.people == 20
    assert counters.reasons == {'too_short': 4, 'no_track': 10}
    assert {item.name for item in fields(counters)} >= {'frames', 'restarts', 'refused_scenes'}


def test_live_and_again_give_the_same_numbers(tmp_path):
    this = stage(tmp_path)
    rng = np.random.default_rng(5)
    frames = [frame(tick + rng.uniform(-0.2, 0.2), person(1), person(2, 'foot'))
              for tick in range(40)]
    lived = [this.process(one).actions[1].coverage for one in frames]
    this.reset()
    assert this.tracks == 0
    again = ActionStage(load(tmp_path), layouts=find_layout)
    assert [again.process(one).actions[1].coverage for one in frames] == lived
    assert [this.process(one).actions[1].coverage for one in frames] == lived
    assert this.restarts == 0


def test_ids_that_never_come_again_cost_a_bounded_memory(tmp_path):
    this = stage(tmp_path, ActionParameters(memory_s=30.0, most_people=20))
    batches, inner = [], this._recogniser.step

    def spy(keypoints, *rest):
        batches.append(len(keypoints))
        return inner(keypoints, *rest)

    this._recogniser.step = spy
    for tick in range(1000):
        strangers = (person(1000 + 10 * tick + i) for i in range(10))
        answer = this.process(frame(tick, person(), *strangers))
        assert max(this.tracks, len(this._tracks.phases)) <= 20
    assert max(batches) == 20
    assert answer.actions[0].top_label == 'a'  # who is there all the time is never forgotten
    assert counts(this) == [1000, 0]
    assert this.counters.crowded_out == 1 + 10_000 - 20


def test_of_too_many_people_those_known_are_followed(tmp_path):
    this = stage(tmp_path, ActionParameters(most_people=3))
    run(this, 10, person(8), person(9))
    answer = this.process(frame(10, *(person(i) for i in range(1, 10))))
    assert [action.reason for action in answer.actions] == [
        'too_short', *['too_many'] * 6, '', '']
    assert set(this._tracks.row) == {1, 8, 9}
    assert this.counters.crowded_out == 6
    this.parameters = ActionParameters(most_people=1)
    answer = this.process(frame(11, person(8), person(9)))
    assert [action.reason for action in answer.actions] == ['', 'too_many']
