"""What the synthetic subject does, where and how it is seen; the words that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from neuropose_ros.core.errors import SourceError


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene; what does not apply to its movement is None.

    Attributes:
        movement: walk, wave, sit_to_stand, tremor, people (walkers that cross the view) or
            crossing (walkers in the same clothes who turn and come back, each at its own pace).
        cadence_steps_per_min: true cadence of all walkers.
        stride_m: way from one heel strike to the next of the same foot.
        tremor_hz: true frequency of the hands.
        tremor_amplitude_m: half the way of the hands from one end to the other.
        tremor_kind: postural (standing, arms held out) or rest (seated, hands on the thighs).
        wave_hz: frequency of the waving forearm.
        cycle_s: duration of standing up and sitting down again.
        people: how many.
        view: from where the subject is seen: front, side or oblique.
        travel: walk through the room, from the start again after each pass, instead of on a
            treadmill.
        distance_m: camera to subject; 0 = so that all of everybody is in view.
        background: plain, room, or the path of a picture.
        brightness: of all light; 1 = a well lit room.
        azimuth: where the key light stands, degrees: 0 = behind the camera, 90 = at the right.
        elevation: how high the key light stands, degrees.
        occluder: a screen passes between camera and subject.
        noise: standard deviation of the sensor noise, grey levels.
        depth: pictures come with the depth of what they show.
        seconds: duration; 0 = without end.
    """

    name: str
    movement: str
    cadence_steps_per_min: float | None = None
    stride_m: float | None = None
    tremor_hz: float | None = None
    tremor_amplitude_m: float | None = None
    tremor_kind: str | None = None
    wave_hz: float | None = None
    cycle_s: float | None = None
    people: int = 1
    view: str = 'front'
    travel: bool = False
    distance_m: float = 0.0
    background: str = 'plain'
    brightness: float = 1.0
    azimuth: float = 35.0
    elevation: float = 55.0
    occluder: bool = False
    noise: float = 1.5
    depth: bool = False
    width: int = 640
    height: int = 480
    rate: float = 30.0
    seed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Option:
    """A word of a scene's address, and what may be said with it."""

    field: str
    low: float = 0.0
    high: float = 0.0
    unit: str = ''
    choices: tuple[str, ...] = ()
    whole: bool = False
    movements: tuple[str, ...] = ()


_WALKING = ('walk', 'people')
_ONE_VIEW = ('walk', 'wave', 'sit_to_stand', 'tremor', 'people')
_OPTIONS = {
    'cadence': _Option('cadence_steps_per_min', 30, 200, 'steps/min', movements=_WALKING),
    'stride': _Option('stride_m', 0.3, 1.8, 'm', movements=_WALKING),
    'view': _Option('view', choices=('front', 'side', 'oblique'), movements=_ONE_VIEW),
    'travel': _Option('travel', choices=('0', '1'), movements=('walk',)),
    'frequency': _Option('tremor_hz', 3, 12, 'Hz', movements=('tremor',)),
    'amplitude': _Option('tremor_amplitude_m', 0, 0.08, 'm', movements=('tremor',)),
    'kind': _Option('tremor_kind', choices=('postural', 'rest'), movements=('tremor',)),
    'wave': _Option('wave_hz', 0.2, 3, 'Hz', movements=('wave',)),
    'cycle': _Option('cycle_s', 2, 20, 's', movements=('sit_to_stand',)),
    'people': _Option('people', 1, 4, 'people', whole=True),
    'distance': _Option('distance_m', 1.5, 12, 'm'),
    'background': _Option('background'),
    'brightness': _Option('brightness', 0.05, 1.5),
    'azimuth': _Option('azimuth', -180, 180, 'degrees'),
    'elevation': _Option('elevation', 20, 90, 'degrees'),
    'occluder': _Option('occluder', choices=('0', '1')),
    'noise': _Option('noise', 0, 40, 'grey levels'),
    'depth': _Option('depth', choices=('0', '1')),
    'width': _Option('width', 64, 4096, 'px', whole=True),
    'height': _Option('height', 64, 4096, 'px', whole=True),
    'rate': _Option('rate', 1, 240, 'Hz'),
    'seed': _Option('seed', 0, 2**31 - 1, whole=True),
    'seconds': _Option('seconds', 0, 86400, 's'),
}
_DEMO_OPTIONS = ('width', 'height', 'rate', 'seed', 'seconds', 'noise', 'depth')

_WALK = Scene('walk', 'walk', cadence_steps_per_min=110.0, stride_m=1.30)

DEMO = (
    replace(_WALK, name='front_walk', cadence_steps_per_min=108.0),
    replace(_WALK, name='side_walk', cadence_steps_per_min=112.0, stride_m=1.35, view='side',
            azimuth=20.0),
    replace(_WALK, name='textured_background', cadence_steps_per_min=100.0, stride_m=1.20,
            view='oblique', background='room'),
    replace(_WALK, name='dim', cadence_steps_per_min=104.0, stride_m=1.25, brightness=0.32,
            noise=4.0, background='room'),
    replace(_WALK, name='passing_occluder', cadence_steps_per_min=110.0, view='oblique',
            occluder=True),
)
"""The fixed scenes of ``synthetic:demo``, in order; all walk, so cadence can be measured."""

SCENES: Mapping[str, Scene] = {
    scene.name: scene for scene in (
        _WALK,
        Scene('wave', 'wave', wave_hz=1.0),
        Scene('sit_to_stand', 'sit_to_stand', cycle_s=4.0, view='oblique'),
        Scene('tremor', 'tremor', tremor_hz=5.0, tremor_amplitude_m=0.02,
              tremor_kind='postural', view='oblique'),
        Scene('people', 'people', cadence_steps_per_min=110.0, stride_m=1.30, people=2,
              view='side', travel=True, background='room'),
        Scene('crossing', 'crossing', people=4, view='side', background='room'),
        *DEMO,
    )
}

CADENCES: Mapping[str, float] = {
    name: scene.cadence_steps_per_min for name, scene in SCENES.items()
    if scene.cadence_steps_per_min is not None
}
"""True cadence (steps/min) of the walking scenes as they are without options."""


def parse(spec: str) -> tuple[Scene, ...]:
    """Return the scenes that ``synthetic[:SCENE[?option=value&...]]`` asks for, in order.

    ``demo``, also when no scene is named, is the list ``DEMO``; its ``seconds`` are shared out
    among the scenes, and without end each lasts 4 s and they are repeated.

    Raises:
        SourceError: no such scene or option, or a value out of range.
    """
    name, _, query = spec.strip().removeprefix('synthetic').removeprefix(':').partition('?')
    name = name or 'demo'
    words = _words(spec, query)
    if name == 'demo':
        for word in words:
            if word not in _DEMO_OPTIONS:
                raise SourceError(f"'{spec}': demo has no option {word}; it has "
                                  f'{", ".join(_DEMO_OPTIONS)}. Name a single scene to change it.')
        values = _values(spec, words, None)
        return tuple(replace(scene, **values) for scene in DEMO)  # type: ignore[arg-type]
    scene = SCENES.get(name)
    if scene is None:
        raise SourceError(f"'{spec}': there is no scene {name}; there are demo, "
                          f'{", ".join(SCENES)}.')
    return (replace(scene, **_values(spec, words, scene)),)  # type: ignore[arg-type]


def _words(spec: str, query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise SourceError(
            f"'{spec}': options are written ?name=value&name=value.") from None
    words = dict(pairs)
    if len(words) != len(pairs):
        raise SourceError(f"'{spec}': an option is given twice.")
    return words


def _values(
    spec: str, words: Mapping[str, str], scene: Scene | None,
) -> dict[str, str | float | int | bool]:
    usable = [word for word, option in _OPTIONS.items()
              if scene is None or not option.movements or scene.movement in option.movements]
    values: dict[str, str | float | int | bool] = {}
    for word, text in words.items():
        if word not in usable:
            what = f'the scene {scene.name}' if scene else 'demo'
            raise SourceError(f"'{spec}': {what} has no option {word}; it has "
                              f'{", ".join(usable)}.')
        option = _OPTIONS[word]
        values[option.field] = _value(spec, word, option, text)
    return values


def _value(spec: str, word: str, option: _Option, text: str) -> str | float | int | bool:
    if option.choices:
        if text not in option.choices:
            raise SourceError(f"'{spec}': {word} is {' or '.join(option.choices)}, not '{text}'.")
        return text == '1' if option.choices == ('0', '1') else text
    if word == 'background':
        return text
    try:
        number = int(text) if option.whole else float(text)
    except ValueError:
        kind = 'a whole number' if option.whole else 'a number'
        raise SourceError(f"'{spec}': {word} is {kind}, not '{text}'.") from None
    if not option.low <= number <= option.high:
        unit = f' {option.unit}' if option.unit else ''
        raise SourceError(
            f"'{spec}': {word} is {option.low:g} to {option.high:g}{unit}, not {text}.")
    return number


