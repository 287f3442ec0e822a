from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import Frame, FrameStatus, PoseFrame
from neuropose_ros.imaging.exposure import Exposure
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.exposure import create_exposure
from neuropose_ros.pose.stage import PoseStage


class Watcher:
    """An estimator that finds nobody and keeps how bright each picture was."""

    layout = COCO17
    model = 'watcher'

    def __init__(self) -> None:
        self.seen: list[float] = []

    def estimate(self, frame: Frame, _expected: object = ()) -> PoseFrame:
        self.seen.append(float(frame.image.mean()))
        return PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=COCO17.id,
            image_width=8, image_height=8, epoch=frame.epoch, status=FrameStatus.NO_PERSON)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def frame(level: int, seq: int) -> Frame:
    return Frame(np.full((8, 8, 3), level, np.uint8), 1000 * (seq + 1), seq)


def test_the_estimator_alone_sees_the_brighter_picture() -> None:
    watcher, exposure = Watcher(), Exposure()
    stage = PoseStage(watcher, exposure=exposure)

    look = stage.look(frame(20, 0), lambda: None)

    assert watcher.seen[0] > 150
    assert look.frame.image.mean() == 20, 'what is drawn and recorded stays dark'
    assert stage.exposure_stops == exposure.stops > 2
    stage.reset()
    assert stage.exposure_stops == 0


def test_without_it_pictures_stay_as_they_are() -> None:
    watcher = Watcher()
    stage = PoseStage(watcher)
    stage.process(frame(20, 0))

    assert watcher.seen == [20]
    assert stage.exposure_stops == 0


def test_auto_brightens_for_models_that_say_so() -> None:
    registry = load_registry()
    blazepose = replace(registry['blazepose'], options={})
    keen = replace(blazepose, name='keen', options={'dark_below': 60.0})
    zero = replace(blazepose, name='zero', options={'dark_below': 0.0})
    known = {'blazepose': blazepose, 'keen': keen, 'zero': zero}

    assert create_exposure('auto', 'blazepose', known) is None
    assert create_exposure('always', 'blazepose', known) is not None
    assert create_exposure('auto', 'keen:mirrored', known) is not None
    assert create_exposure('never', 'keen', known) is None
    assert create_exposure('auto', 'zero', known) is None
    asked_for = create_exposure('always', 'zero', known, announce=lambda _: None)
    assert asked_for is not None
    assert asked_for.correct(np.full((8, 8, 3), 20, np.uint8)).mean() > 100


def test_the_first_dark_picture_is_announced_and_no_other() -> None:
    registry = load_registry()
    keen = replace(registry['blazepose'], options={'dark_below': 60.0})
    said: list[str] = []
    exposure = create_exposure('auto', 'keen', {'keen': keen}, announce=said.append)

    assert exposure is not None
    exposure.correct(np.full((8, 8, 3), 120, np.uint8))
    assert not said, 'nothing was dark yet'
    for _ in range(2):
        exposure.correct(np.full((8, 8, 3), 20, np.uint8))
        exposure.reset()
    assert said == ['it is dark: pictures are brightened before keen looks at them (exposure)']


def test_the_level_of_the_entry_decides_what_is_dark() -> None:
    registry = load_registry()
    keen = replace(registry['blazepose'], options={'dark_below': 60.0})
    exposure = create_exposure('auto', 'blazepose', {'blazepose': keen})

    assert exposure is not None
    dim = np.full((8, 8, 3), 80, np.uint8)
    assert exposure.correct(dim) is dim


@pytest.mark.parametrize(('mode', 'model', 'said'), [
    ('on', 'blazepose', 'allowed are auto, always, never'),
    ('auto', 'nobody', "unknown pose model 'nobody'"),
])
def test_what_is_not_known_is_named(mode: str, model: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        create_exposure(mode, model)
