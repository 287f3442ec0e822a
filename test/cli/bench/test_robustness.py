import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.bench import robustness
from neuropose_ros.cli.bench.robustness_mediapipe import MediaPipe
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.pose_robustness.outcome import Condition, Score

from ...learning.pose_robustness.people import WIDTH, take

# Speaks as bench/pose_worker.py does: of each picture, 33 joints at its first pixel's level; of a
# clip one more for every picture of the session; nobody in a black picture.
WORKER = """
import json, sys
import numpy as np
print(json.dumps({'network_threads': 1}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    pictures = [one for path in request['pictures'] for one in np.load(path)]
    later = range(len(pictures)) if request['rate_hz'] else [0] * len(pictures)
    points = np.stack([np.full((33, 2), float(one[0, 0, 0]) + more if one.any() else np.nan)
                       for one, more in zip(pictures, later)])
    np.save(request['result'], points)
    print(json.dumps({'frames': len(points), 'process_threads': 1}), flush=True)
"""


@pytest.fixture
def other(tmp_path: Path) -> MediaPipe:
    (tmp_path / 'worker.py').write_text(WORKER)
    python = tmp_path / 'python'
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "worker.py"}\n')
    python.chmod(0o755)
    (tmp_path / 'pictures').mkdir()
    return MediaPipe(python, tmp_path / 'pictures')


def test_the_other_sees_stills_together_and_each_clip_by_itself(
    other: MediaPipe, tmp_path: Path,
) -> None:
    takes = [take(), take(3, 'clips'), take(), take(2, 'clips')]
    levels = [[float(shot.image[0, 0, 0]) for shot in one.shots] for one in takes]
    takes[2].shots[0].image[:] = 0
    try:
        found = other.look(takes)['mediapipe']
    finally:
        other.close()

    assert [len(pictures) for pictures in found] == [1, 3, 1, 2]
    assert found[2] == [()]
    assert found[0][0][0].keypoints[0, 0] == levels[0][0]
    for place in (1, 3):
        assert [people[0].keypoints[5, 1] for people in found[place]] == [
            level + more for more, level in enumerate(levels[place])]
    assert found[0][0][0].keypoints.shape == (33, 2)
    assert not list((tmp_path / 'pictures').iterdir()), 'pictures are gone when they were seen'
    assert takes[0].shots[0].image.shape[1] == WIDTH


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    robustness.add_arguments(parser)
    return parser.parse_args(given)


@pytest.mark.parametrize(('given', 'said'), [
    (('--data', '.', '--harms', 'fog'), "there is no harm 'fog'; there are low_light"),
    (('--data', '.', '--frames', '2'), 'at least 8'),
])
def test_what_cannot_be_measured_is_refused_before_anything_is_loaded(
    given: tuple[str, ...], said: str,
) -> None:
    with pytest.raises(ParameterError, match=said):
        robustness.run(arguments(*given))


def test_without_data_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    with pytest.raises(NeuroposeError, match='--data FOLDER or NEUROPOSE_DATA'):
        robustness.run(arguments())


def test_what_json_cannot_say_is_null() -> None:
    assert robustness._finite({'a': float('nan'), 'b': {'c': float(np.inf), 'd': 1.0}}) == {
        'a': None, 'b': {'c': None, 'd': 1.0}}


def test_what_is_asked_without_models_is_known() -> None:
    asked = {name for model in arguments().models for name in model.split('@')}
    assert asked <= load_registry().keys()


def test_the_report_has_every_source_and_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    clean, worse = (Score({0.1: np.full(4, right), 0.2: np.full(4, right)}, np.full(4, 10.0),
                          np.zeros(4, bool), tuple('abcd')) for right in (8.0, 6.0))
    scores = {}
    for source in ('frames', 'clips', 'pictures'):
        for row, harmed in (('mine', clean), ('mine, not refined', clean), ('mediapipe', worse)):
            scores[Condition(row, source)] = clean
            scores[Condition(row, source, 'low_light', 3)] = harmed
    takes = [take(), take(2, 'clips'), take(source='pictures')]

    report = robustness._report(scores, ['mine'], argparse.Namespace(part='held'), takes)
    robustness._show(scores, ['mine'], report, tmp_path)

    assert report['pictures'] == {'frames': 1, 'clips': 2, 'pictures': 1}
    assert report['low_light_3_loss_mediapipe'] == pytest.approx(0.2)
    assert (report['clean_pck_mediapipe'], report['low_light_3_pck_mediapipe']) == (0.8, 0.6)
    assert ('low_light_3: mine loses 0.000 (0.800 to 0.800), mediapipe loses 0.200 '
            '(0.800 to 0.600); ratio 0.00') in capsys.readouterr().out
    assert report['by_source']['pictures']['low_light_3_ratio'] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        'robustness.md', 'robustness.json', 'frames.png', 'clips.png', 'pictures.png'}
    assert 'mine, not refined' in (tmp_path / 'robustness.md').read_text()
