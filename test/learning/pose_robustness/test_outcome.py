from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, JHMDB15
from neuropose_ros.core.pose import JointState, PersonPose
from neuropose_ros.learning.pose_robustness import outcome
from neuropose_ros.learning.pose_robustness.conditions import HARMS
from neuropose_ros.learning.pose_robustness.outcome import Condition, Score, together
from neuropose_ros.learning.pose_robustness.running import measure, worlds
from neuropose_ros.learning.pose_robustness.shots import Take
from neuropose_ros.learning.pose_robustness.systems import Found

from .people import take


class Knows:
    """A system that knows the truth, off by a share of the size; of dark pictures it knows none.

    The truth that it is shown is that of the picture before it was harmed.
    """

    layout = COCO17

    def __init__(self, name: str, off: float = 0.0, least_light: float = 0.0) -> None:
        self.name = name
        self._off, self._least_light = off, least_light

    def look(self, takes: Sequence[Take]) -> dict[str, Found]:
        return {self.name: [[self._see(shot) for shot in one.shots] for one in takes]}

    def _see(self, shot: object) -> tuple[PersonPose, ...]:
        if shot.image.mean() < self._least_light:
            return ()
        points = shot.truth.keypoints[0] + np.float32(self._off * shot.size_px)
        return (PersonPose(points, np.ones(17, np.float32),
                           np.full(17, JointState.MEASURED, np.uint8), shot.truth.boxes[0], 1.0),)

    def close(self) -> None:
        pass


def test_who_finds_nobody_has_all_joints_wrong_and_is_missed() -> None:
    takes = [take(), take(group='b')]
    found = Knows('one', off=0.05).look(takes)['one']
    found[1] = [()]

    result = outcome.score(takes, found, COCO17, [COCO17])

    assert result.pck(0.1) == 0.5
    assert result.missed.tolist() == [False, True]


def test_joints_that_a_system_lacks_do_not_count() -> None:
    common = outcome.common_joints(COCO17, [COCO17, JHMDB15])

    assert not common[COCO17.names.index('left_eye')]
    assert common[COCO17.names.index('left_knee')]
    assert outcome.common_joints(COCO17, [BLAZEPOSE33]).all()


def score_of(right: Sequence[float], groups: str = 'abcd') -> Score:
    values = np.array(right, np.float64)
    return Score({0.1: values, 0.2: values}, np.full(len(right), 10.0),
                 np.zeros(len(right), bool), tuple(groups))


def test_the_loss_is_what_is_found_less_and_its_ratio_ours_to_theirs() -> None:
    found = outcome.loss((score_of([9, 9, 9, 9]), score_of([8, 8, 8, 8])),
                         (score_of([8, 8, 8, 8]), score_of([4, 4, 4, 4])))

    assert (found.ours, found.theirs, found.ratio) == pytest.approx((0.1, 0.4, 0.25))
    assert found.low == found.high == pytest.approx(0.25), 'all recordings agree'


def test_who_loses_nothing_cannot_be_compared_with() -> None:
    same = score_of([5, 5, 5, 5])

    assert np.isnan(outcome.loss((same, same), (same, same)).ratio)


def test_a_run_sums_up_flat() -> None:
    takes = [take(source='frames'), take(3, 'clips', 'b'), take(3, 'clips', 'c')]
    systems = [Knows('ours'), Knows('theirs', least_light=100), Knows('ours, brightened')]
    asked = worlds(['low_light', 'jpeg'], [1, 3])

    scores = measure(takes, systems, asked, only={'ours, brightened': ('low_light',)})
    report = outcome.summary(scores, 'ours', 'theirs', 'clips')

    assert report['low_light_3_loss_ours'] == 0 and report['low_light_3_ratio'] == 0
    assert report['low_light_3_loss_mediapipe'] == report['clean_pck_mediapipe'] == 1
    assert (report['low_light_3_pck_ours'], report['low_light_3_pck_mediapipe']) == (1, 0)
    assert np.isnan(report['jpeg_1_ratio'])
    assert Condition('ours, brightened', 'clips', 'jpeg', 1) not in scores
    assert outcome.brightening(scores, 'ours') == {'on': 1.0, 'off': 1.0}
    assert outcome.brightening(scores, 'theirs') == {}
    page = outcome.markdown(scores, 'clips', ['ours', 'theirs'], 'clips')
    assert '| low_light | theirs | 1.000 | 0.000 | 0.000 |' in page
    assert outcome.table(scores)['clips']['theirs']['low_light_3'] == [0, 0, 1]


def test_every_condition_is_asked_once_the_clean_one_first() -> None:
    assert worlds()[0] == ('clean', 0)
    assert len(worlds()) == len(set(worlds())) == 1 + 5 * len(HARMS)


@pytest.mark.parametrize(('sure_of_the_far_one', 'found'), [(0.9, 0), (0.1, 1)])
def test_of_many_people_the_surest_alone_is_judged(
    sure_of_the_far_one: float, found: float,
) -> None:
    takes = [take()]
    [[people]] = Knows('one').look(takes)['one']
    right = replace(people[0], score=0.5)
    far = replace(right, keypoints=right.keypoints + 500, score=sure_of_the_far_one)

    for both in ((far, right), (right, far)):
        assert outcome.score(takes, [[both]], COCO17, [COCO17]).pck() == found


def test_kinds_of_data_come_together_where_all_were_measured() -> None:
    def some(right: float, people: int, group: str) -> Score:
        return Score({0.1: np.full(people, right)}, np.full(people, 10.0),
                     np.zeros(people, bool), (group,) * people)

    scores = {
        Condition('mine', 'frames'): some(8, 3, 'a'), Condition('mine', 'clips'): some(4, 1, 'b'),
        Condition('mine', 'rendered'): some(10, 5, 'c'),
        Condition('mine', 'frames', 'jpeg', 3): some(1, 3, 'a')}
    found = together(scores, ('frames', 'clips'), 'both')
    assert list(found) == [Condition('mine', 'both')]
    one = found[Condition('mine', 'both')]
    assert one.pck() == (3 * 8 + 4) / 40
    assert sorted(one.groups) == ['a', 'a', 'a', 'b']
