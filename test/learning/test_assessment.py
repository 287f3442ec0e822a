"""A small causal network is trained and measured from end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.learning import assessment
from neuropose_ros.learning.assessment import AssessmentSettings, assess, figures
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.training.settings import TrainingSettings

from .little_people import little_people, little_split

RECIPE = Recipe(
    data=DataSettings('clips', validation_share=0.25),
    sampling=SamplingConfig(causal=True, rate_hz=30.0, batch_size=12),
    network=NetworkConfig(width=16, blocks=1, window=12, completion_width=8, token_width=8,
                          causal=True, dropout=0.0),
    training=TrainingSettings(epochs=12, learning_rate=1e-2))
SPLIT = little_split(train=48, test=39)
QUICK = AssessmentSettings(missing_draws=1, examples=False)


@pytest.fixture(scope='module')
def trained():
    return train_recogniser(RECIPE, SPLIT.train, 0)


def test_everything_is_measured_and_fits_into_json(trained):
    said = []
    report = assess(trained, SPLIT, QUICK, name='little', without=trained, announce=said.append)
    values = json.loads(json.dumps(figures(report)))
    assert values['top1'] > 0.9 and values['clips'] == 39
    assert values['protocol'] == 'split 1, test part'
    assert set(values['top1_at_share']) == {'0.25', '0.5', '0.75', '1'}
    assert values['completion_gain'] == 0  # the same weights stood for those without
    assert values['missing40_loss'] == pytest.approx(
        values['top1_missing']['0'] - values['top1_missing']['0.4'])
    assert values['onset_boundaries'] >= 30 and 0 <= values['onset_recall'] <= 1
    assert said == [] and 'Beware' not in report.facts


def test_examples_show_what_the_network_saw(trained):
    settings = replace(QUICK, onsets=False, examples=True, shares=(1.0,), missing_shares=(0.0,))
    report = assess(trained, SPLIT, settings)
    trace = report.examples[0].trace
    assert trace.completed.shape == trace.keypoints.shape == report.examples[0].truth.shape
    assert trace.attention.shape == trace.error.shape == trace.keypoints.shape[:2]
    assert 'missing40_loss' not in figures(report)


def test_weights_that_learned_other_clips_are_told(trained):
    other = replace(SPLIT, train=little_people(30, 5))
    said = []
    report = assess(trained, other, replace(QUICK, onsets=False), announce=said.append)
    assert 'may have learned clips' in report.facts['Beware'] and len(said) == 1


def test_too_few_boundaries_leave_the_onsets_out_and_say_so(trained):
    few = replace(SPLIT, test=SPLIT.test.only(SPLIT.test.clips[:9]))
    said = []
    assert assess(trained, few, QUICK, announce=said.append).onsets is None
    assert '30 are needed' in said[0]


def test_the_validation_part_is_what_the_recipe_held_back(trained):
    report = assess(trained, SPLIT, replace(QUICK, part='validation', onsets=False))
    assert 'validation' in report.protocol
    held = {clip.name for clip in report.evaluation.clips.clips}
    assert held < {clip.name for clip in SPLIT.train.clips} and len(held) == 12


def test_what_is_not_there_is_said(trained):
    with pytest.raises(DataError, match='no test part'):
        assess(trained, replace(SPLIT, test=SPLIT.test.only(())), QUICK)
    bare = replace(trained, recipe=replace(
        RECIPE, data=replace(RECIPE.data, validation_share=0.0)))
    with pytest.raises(DataError, match='held nothing back'):
        assess(bare, SPLIT, replace(QUICK, part='validation'))
    with pytest.raises(ParameterError, match='missing_draws is 0'):
        AssessmentSettings(missing_draws=0)


@pytest.fixture
def short(trained):
    """The same, learning anew in a moment."""
    return replace(trained, recipe=replace(
        RECIPE, training=replace(RECIPE.training, epochs=1)))


OPEN = replace(QUICK, open_set=True, onsets=False, shares=(1.0,), missing_shares=(0.0,))


def test_classes_are_left_out_by_training_without_them(short):
    report = assess(short, SPLIT, OPEN)
    assert [pair.labels for pair in report.open_set.pairs] == [('bend',), ('walk',), ('wave',)]
    assert sum(len(pair.unknown_scores) for pair in report.open_set.pairs) == 39
    assert 0 <= figures(report)['unknown_auroc'] <= 1


def test_on_the_validation_part_no_class_left_out_is_tested_on_test_clips(short):
    without = replace(SPLIT, test=SPLIT.test.only(()))
    report = assess(short, without, replace(OPEN, part='validation'))
    assert sum(len(pair.unknown_scores) for pair in report.open_set.pairs) == 12


def test_what_cannot_be_left_out_is_said_before_anything_is_measured(short, monkeypatch):
    monkeypatch.setattr(assessment, 'evaluate', None)
    one = tuple(clip for clip in SPLIT.test.clips if clip.label == 0)
    with pytest.raises(DataError, match='nothing can be told apart'):
        assess(short, replace(SPLIT, test=SPLIT.test.only(one)), OPEN)
