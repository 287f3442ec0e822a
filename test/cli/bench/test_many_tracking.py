"""The scoring of crossings: who is asked for, and whose finds count."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.cli.bench import many_tracking
from neuropose_ros.cli.bench.many_tracking import Run, TrackingResult, hidden_shares, scene_of
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.identities import identity_scores
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, convert_person
from neuropose_ros.sources.synthetic.source import open_synthetic


@pytest.fixture(scope='module')
def frames():
    source = open_synthetic('synthetic:crossing?seed=101&rate=10&width=320&height=240&noise=0')
    return [source.read().truth.persons for _ in range(40)]


def test_who_is_behind_somebody_is_hidden_and_the_other_is_not(frames):
    shares = np.array([hidden_shares(people) for people in frames])
    assert shares.min() == 0
    assert shares.max() > 0.9
    nearest = int(np.argmin([one.keypoints_3d[:, 2].mean() for one in frames[0]]))
    assert not shares[:, nearest].any()
    with pytest.raises(NeuroposeError, match='no place in space'):
        hidden_shares([replace(one, keypoints_3d=None) for one in frames[0]])


def test_perfect_finds_have_no_switches_and_exchanged_ids_have(frames):
    def scored(names):
        return identity_scores([
            scene_of(people, [convert_person(one, BLAZEPOSE33, COCO17) for one in people],
                     names(i), COCO17)
            for i, people in enumerate(frames)])
    perfect = scored(lambda i: [7, 8, 9, 10])
    assert (perfect.switches, perfect.misses) == (0, 0)
    assert scored(lambda i: [7, 8, 9, 10] if i < 38 else [8, 7, 9, 10]).switches == 2
    assert scored(lambda i: [7, 8, 9, 10] if i < 38 else [7, 8, 9, 99]).switches == 1


def test_finds_without_an_identity_are_nobody(frames):
    scene = scene_of(frames[0], frames[0], [5, -1, -1, -1], BLAZEPOSE33)
    assert scene.found_ids == [5]
    assert scene.similarity.shape == (len(scene.true_ids), 1)


def test_the_other_trackers_get_the_same_finds(frames, tmp_path: Path, monkeypatch):
    # In the place of the environment of its own: a program that says what it was given.
    worker = tmp_path / 'worker.py'
    worker.write_text(
        'import json, sys\nimport numpy as np\n'
        'z = np.load(sys.argv[1])\nassert z["counts"].sum() == len(z["boxes"])\n'
        'print(json.dumps({"rows": [int(x) for x in z["boxes"][:, 0]]}))\n')
    monkeypatch.setattr(many_tracking, '_WORKER', worker)
    given = many_tracking._others(Path(sys.executable), frames[:3])
    assert given['rows'] == [[int(one.box[0]) for one in people] for people in frames[:3]]
    worker.write_text('raise SystemExit("broken")')
    with pytest.raises(NeuroposeError, match='the other trackers failed: broken'):
        many_tracking._others(Path(sys.executable), frames[:1])


def test_the_result_for_people_and_for_programs():
    runs = (Run(0, 0, 0.97, {'bytetrack': 4, 'ocsort': 3}, 4, 80.0),)
    result = TrackingResult(('a', 'b'), runs, 'ocsort', 0, 3, 21.0)
    assert 'seed 0: 0 identity switches (IDF1 0.970, 4 ids); bytetrack 4, ocsort 3' in (
        many_tracking.report(result))
    found = json.loads(json.dumps(many_tracking.as_json(result)))
    assert (found['id_switches'], found['oracle_id_switches'], found['oracle']) == (0, 3, 'ocsort')
