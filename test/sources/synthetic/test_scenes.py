"""The words that ask for scenes."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.synthetic.scenes import CADENCES, DEMO, SCENES, parse


@pytest.mark.parametrize('spec', ['synthetic', 'synthetic:', 'synthetic:demo'])
def test_the_demo_is_what_is_played_without_a_name(spec):
    assert parse(spec) == DEMO
    assert [scene.name for scene in DEMO] == [
        'front_walk', 'side_walk', 'textured_background', 'dim', 'passing_occluder']


def test_all_scenes_of_the_demo_have_a_true_cadence():
    for scene in DEMO:
        assert CADENCES[scene.name] == scene.cadence_steps_per_min
    assert set(CADENCES) == {name for name, scene in SCENES.items()
                             if scene.movement in ('walk', 'people')}


def test_options_change_a_scene():
    scene, = parse('synthetic:walk?cadence=96&stride=1.1&people=2&width=320&height=240'
                   '&rate=25&seed=7&seconds=3&view=side&travel=1&background=room&occluder=1')
    assert (scene.cadence_steps_per_min, scene.stride_m, scene.people) == (96.0, 1.1, 2)
    assert (scene.width, scene.height, scene.rate, scene.seed) == (320, 240, 25.0, 7)
    assert (scene.seconds, scene.view, scene.travel) == (3.0, 'side', True)
    assert (scene.background, scene.occluder) == ('room', True)
    tremor, = parse('synthetic:tremor?frequency=4.5&amplitude=0.01&kind=rest')
    assert (tremor.tremor_hz, tremor.tremor_amplitude_m) == (4.5, 0.01)
    assert tremor.cadence_steps_per_min is None


def test_the_demo_takes_options_that_concern_all_its_scenes():
    scenes = parse('synthetic:demo?width=320&height=240&seconds=10')
    assert {(scene.width, scene.height, scene.seconds) for scene in scenes} == {(320, 240, 10.0)}


@pytest.mark.parametrize(('spec', 'words'), [
    ('synthetic:dance', 'there is no scene dance; there are demo, walk, wave'),
    ('synthetic:walk?colour=red', 'the scene walk has no option colour; it has cadence'),
    ('synthetic:wave?cadence=100', 'the scene wave has no option cadence'),
    ('synthetic:demo?cadence=100', 'demo has no option cadence; it has width'),
    ('synthetic:walk?cadence=fast', "cadence is a number, not 'fast'"),
    ('synthetic:walk?cadence=500', 'cadence is 30 to 200 steps/min, not 500'),
    ('synthetic:walk?cadence=nan', 'cadence is 30 to 200 steps/min, not nan'),
    ('synthetic:walk?people=1.5', "people is a whole number, not '1.5'"),
    ('synthetic:people?people=5', 'people is 1 to 4 people, not 5'),
    ('synthetic:walk?view=top', "view is front or side or oblique, not 'top'"),
    ('synthetic:walk?cadence', 'options are written ?name=value'),
    ('synthetic:walk?seed=1&seed=2', 'an option is given twice'),
    ('synthetic:tremor?frequency=1', 'frequency is 3 to 12 Hz, not 1'),
])
def test_what_cannot_be_is_refused_in_one_sentence(spec, words):
    with pytest.raises(SourceError) as caught:
        parse(spec)
    assert words in str(caught.value)
    assert '\n' not in str(caught.value)
