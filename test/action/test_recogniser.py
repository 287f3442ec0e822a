"""Loading a recogniser: whatever does not fit is refused in one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuropose_ros.action.recogniser import load_recogniser, softmax
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import LabelError, ModelError

from .step_graphs import LABELS, SURE, description, load, step_network, write_recogniser


def test_a_step_answers_for_each_person_and_keeps_their_states(tmp_path):
    recogniser = load(tmp_path)
    states = recogniser.initial_states(3)
    mask = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 1]], np.float32)
    points = np.ones((3, 4, 2), np.float32)
    for _ in range(5):
        step = recogniser.step(points, mask, states)
        states = step.states
    sure = 1 / (1 + np.exp(-SURE))
    np.testing.assert_allclose(step.probabilities[:, 0], [sure, 1 - sure, sure], atol=1e-6)
    np.testing.assert_array_equal(step.unknown, [0, 0, 1])
    np.testing.assert_array_equal(states['counts'], [[5, 0], [0, 5], [5, 0]])
    np.testing.assert_array_equal(step.completed, points)
    assert step.attention is None  # this network has none


def test_one_scene_is_read_for_everybody(tmp_path):
    recogniser = load(tmp_path, scene_model='eyes', scene_size=3)
    states, mask = recogniser.initial_states(2), np.ones((2, 4), np.float32)
    points = np.zeros((2, 4, 2), np.float32)
    bright = recogniser.step(points, mask, states, np.array([9, 0, 0], np.float32))
    assert (bright.probabilities.argmax(-1) == 1).all()
    dark = recogniser.step(points, mask, states)
    assert (dark.probabilities.argmax(-1) == 0).all()


def test_probabilities_sum_to_one_however_large_the_logits():
    probabilities = softmax(np.array([[1e4, 1e4 - 1, -1e4]], np.float32))
    np.testing.assert_allclose(probabilities.sum(), 1, atol=1e-6)
    assert probabilities[0, 0] == pytest.approx(0.7311, abs=1e-4)


@pytest.mark.parametrize(('changes', 'words'), [
    ({'labels': LabelSet('abc', ('a', 'b', 'c'))}, 'gives logits of'),
    ({'states': {'counts': (3,)}}, 'takes counts of'),
    ({'states': {}}, 'takes counts, of which its description knows nothing'),
    ({'states': {'counts': (2,), 'past': (7,)}}, 'takes past, which it does not'),
    ({'scene_size': 3, 'scene_model': 'eyes'}, 'takes scene, which it does not'),
    ({'dimensions': 3}, 'takes keypoints of'),
    ({'normalisation': {'wrong': 1}}, 'normalisation of a recogniser'),
    ({'normalisation': {'causal': False}}, 'by whole clips'),
])
def test_a_network_of_another_recogniser_is_refused(tmp_path, changes, words):
    folder = write_recogniser(tmp_path, step_network(description()), **changes)
    with pytest.raises(ModelError, match=words):
        load_recogniser(folder, announce=lambda _: None)


def test_a_pinned_label_set_is_insisted_on(tmp_path):
    folder = write_recogniser(tmp_path)
    for pinned in ('', 'ab', LABELS.id):
        load_recogniser(folder, label_set=pinned, announce=lambda _: None).close()
    with pytest.raises(LabelError, match=r'tells apart ab@\w+ \(a, b\), but ab@0000 is asked'):
        load_recogniser(folder, label_set='ab@0000')


def test_a_damaged_network_is_refused(tmp_path):
    folder = write_recogniser(tmp_path)
    with (folder / 'step.onnx').open('ab') as file:
        file.write(b' ')
    with pytest.raises(ModelError, match='damaged'):
        load_recogniser(folder)
    (folder / 'step.onnx').unlink()
    with pytest.raises(ModelError, match='cannot be read'):
        load_recogniser(folder)


def test_a_variant_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r'no step_fp16\.onnx; it has: step\.onnx'):
        load_recogniser(write_recogniser(tmp_path), precision='fp16')


@pytest.mark.parametrize('content', ['', '{', '[]', '{"format": 1}', '{"format": 0}'])
def test_a_damaged_description_is_refused(tmp_path, content):
    folder = write_recogniser(tmp_path)
    (folder / 'recogniser.json').write_text(content)
    with pytest.raises(ModelError, match=r'recogniser\.json'):
        load_recogniser(folder)


def test_answers_that_are_no_numbers_are_an_error(tmp_path):
    content = step_network(description(), weight=float('nan'))
    recogniser = load_recogniser(write_recogniser(tmp_path, content), announce=lambda _: None)
    with pytest.raises(ModelError, match='not numbers'):
        recogniser.step(np.zeros((1, 4, 2), np.float32), np.ones((1, 4), np.float32),
                        recogniser.initial_states(1))


def test_the_description_survives_writing(tmp_path):
    recogniser = load(tmp_path, training={'data': 'none'})
    about = recogniser.description
    assert about == description(training={'data': 'none'}, networks=about.networks)
    assert json.loads((tmp_path / 'recogniser.json').read_text())['format'] == 1
