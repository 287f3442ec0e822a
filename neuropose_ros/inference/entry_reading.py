"""From the table of one network in a list to its `ModelEntry`, strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import numpy as np

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import BUILT_IN
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import (
    Conversion,
    Format,
    Kind,
    ModelEntry,
    NpmSource,
    PathSource,
    Published,
    Source,
    UrlSource,
    WheelSource,
)
from neuropose_ros.inference.fields import Fields
from neuropose_ros.inference.ops.device import PictureInput


@dataclass(frozen=True)
class DecoderRules:
    """What an entry with a decoder may say.

    Attributes:
        kinds: what it is for; the first unless the entry says another.
        layout: whether it has joints.
        options: numbers that the decoder takes.
        outputs: names that tell its outputs apart; none = it knows them by their shapes.
        parts: decoders of the entries that it is made of; none = it is a network by itself.
    """

    kinds: tuple[Kind, ...]
    layout: bool = False
    options: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


_POSE = ('dark_below',)
_REGION = ('padding', 'fill', 'least_joint_score', *_POSE)
DECODERS: Mapping[str, DecoderRules] = {
    'simcc': DecoderRules(('pose',), True, _REGION, ('simcc_x', 'simcc_y')),
    'heatmap': DecoderRules(('pose',), True, _REGION),
    'movenet': DecoderRules(('pose',), True, _REGION),
    'rtmo': DecoderRules(
        ('pose',), True, ('fill', 'least_joint_score', *_POSE), ('dets', 'keypoints')),
    'yolo-pose': DecoderRules(('pose',), True, ('fill', 'least_joint_score', *_POSE)),
    'blazepose': DecoderRules(
        ('pose',), True, _POSE, parts=('blazepose-detector', 'blazepose-landmarks')),
    'blazepose-detector': DecoderRules(('part',)),
    'blazepose-landmarks': DecoderRules(('part',), True),
    'yolox': DecoderRules(('detector',), options=('fill', 'class')),
    'yolox-nms': DecoderRules(('detector',), options=('fill', 'class')),
    'rtmdet': DecoderRules(('detector',), options=('fill', 'class')),
    'embedding': DecoderRules(('scene', 'reid'), outputs=('embedding',)),
}
# The least and the largest of each option.
_LIMITS: Mapping[str, tuple[float, float]] = {
    'padding': (0.1, 10.0), 'fill': (0.0, 255.0), 'least_joint_score': (0.0, math.inf),
    'class': (0.0, math.inf), 'dark_below': (0.0, 255.0),
}
_LONGEST_FILE_NAME = 200
_LARGEST_SIDE_PX = 8192
_DTYPES = ('float32', 'float16', 'uint8', 'int8', 'int32')
_NAME = re.compile(r'[a-z0-9][a-z0-9._-]{0,63}')  # it becomes part of files' names


def read_entry(name: str, values: Any, origin: Path) -> ModelEntry:
    """Read one entry.

    Args:
        name: its name in the list.
        values: its table.
        origin: the list; paths in it are relative to its folder.

    Raises:
        ModelError: the first mistake: file, entry, key, and what is allowed.
    """
    fields = Fields(values, f'{origin}: entry {name}')
    if not _NAME.fullmatch(name):
        raise fields.mistake(
            'the name', 'may have small letters, digits, dots, dashes and underscores, 64 in all')
    decoder = fields.text('decoder', allowed=tuple(DECODERS))
    rules = DECODERS[decoder]
    parts = fields.texts('parts', ())
    if len(parts) != len(rules.parts):
        raise fields.mistake(
            'parts', f'are {len(parts)}; the decoder {decoder} is made of '
            f'{" and ".join(rules.parts) or "no others"}')
    sources = () if parts else _sources(fields, origin.parent)
    own_file = bool(sources) and isinstance(sources[0], PathSource)
    kind = fields.text('kind', rules.kinds[0], rules.kinds)
    form = _format(fields, sources)
    conversion = _conversion(fields, form)
    entry = ModelEntry(
        name=name, decoder=decoder, parts=parts, sources=sources, kind=cast(Kind, kind),
        title=fields.text('title', name) if own_file else fields.text('title'),
        licence=fields.text('licence', "the user's own") if own_file else fields.text('licence'),
        format=form, convert=conversion,
        input=PictureInput(1, 1) if parts else _picture(fields.table('input')),
        sha256=_sha256(fields), layout=_layout(fields, rules, name, bool(parts)),
        outputs=_outputs(fields, rules, conversion), options=_options(fields, rules, decoder),
        check=_check(fields.table('check')), published=_published(fields),
        megabytes=fields.number('megabytes', 0.0), notes=fields.text('notes', ''), origin=origin)
    fields.done()
    return entry


def _sources(fields: Fields, folder: Path) -> tuple[Source, ...]:
    if fields.has('path') == fields.has('source'):
        raise fields.mistake('path or source', 'is expected, one of the two')
    if fields.has('path'):
        return (PathSource(_path(fields, folder)),)
    value = fields.anything('source')
    tables = value if isinstance(value, list) else [value]
    if not tables:
        raise fields.mistake('source', 'is empty; a table, or a list of tables, is allowed')
    return tuple(_source(fields.inside('source', table)) for table in tables)


def _path(fields: Fields, folder: Path) -> Path:
    text = fields.text('path')
    if text.startswith(('http://', 'https://')):
        raise fields.mistake('path', f'is the address {text!r}; it goes into source: {{url: ...}}')
    try:
        path = folder / Path(text).expanduser()
        path.is_file()
    except (OSError, RuntimeError) as error:  # too long a name, no home of that user
        said = getattr(error, 'strerror', None) or error
        raise fields.mistake('path', f'is {text!r}, which cannot be a file: {said}') from error
    return path


def _source(fields: Fields) -> Source:
    source: Source
    if fields.has('url'):
        source = UrlSource(_url(fields), fields.text('member', ''), fields.text('file', ''))
        url = source.url
        if '.' not in source.file:
            raise fields.mistake('file', f'is missing, and {url!r} does not end in a file name')
    elif fields.has('wheel'):
        source = WheelSource(
            wheel=fields.text('wheel'), python=fields.text('python'),
            implementation=fields.text('implementation'), abi=fields.text('abi'),
            platform=fields.text('platform'), file=fields.text('file'),
            megabytes=fields.whole('megabytes'), member=fields.text('member'))
    elif fields.has('npm'):
        source = NpmSource(
            npm=fields.text('npm'), file=fields.text('file'),
            megabytes=fields.whole('megabytes'), member=fields.text('member'))
    else:
        raise fields.mistake('a key', 'is missing; allowed are url, wheel, npm')
    if source.file != PurePath(source.file).name or len(source.file) > _LONGEST_FILE_NAME:
        raise fields.mistake('file', f'is {source.file!r}; the name of a file is allowed')
    fields.done()
    return source


def _url(fields: Fields) -> str:
    url = fields.text('url')
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {'http', 'https'} and bool(parts.hostname)
        parts.port  # noqa: B018  (it is read here for the first time)
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or ' ' in url:
        raise fields.mistake('url', f'is {url!r}; http:// and https:// are allowed')
    return url


def _format(fields: Fields, sources: tuple[Source, ...]) -> Format:
    allowed = get_args(Format)
    if fields.has('format') or not sources:
        form = cast(Format, fields.text('format', 'onnx', allowed))
        own = [source.file for source in sources if isinstance(source, PathSource)]
        if own and own[0].lower().endswith('.tflite') != (form == 'tflite'):
            raise fields.mistake(
                'format', f'is {form}, but the file is {own[0]}; the names of tflite files, and '
                'of no others, end in .tflite')
        return form
    source = sources[0]
    name = getattr(source, 'member', '') or source.file
    ending = name.rpartition('.')[2].lower()
    if ending not in allowed:
        raise fields.mistake(
            'format', f'is missing and {name} does not say it; allowed are {", ".join(allowed)}')
    return cast(Format, ending)


def _conversion(fields: Fields, form: Format) -> Conversion | Literal['features'] | None:
    value = fields.anything('convert')
    if value is None:
        return None
    if not isinstance(value, Mapping):
        if value != 'features' or form != 'onnx':
            raise fields.mistake('convert', f'is {value!r} for the format {form}; allowed are a '
                                 'table with offset and scale for tflite, features for onnx')
        return 'features'
    table = fields.inside('convert', value)
    conversion = Conversion(table.number('offset', 0.0), table.number('scale', 1.0))
    table.done()
    if form != 'tflite':
        raise fields.mistake('convert', f'is for the format tflite, not {form}')
    return conversion


def _picture(fields: Fields) -> PictureInput:
    picture = PictureInput(
        width=fields.whole('width', most=_LARGEST_SIDE_PX),
        height=fields.whole('height', most=_LARGEST_SIDE_PX),
        mean=fields.three('mean', (0.0, 0.0, 0.0)), std=fields.three('std', (1.0, 1.0, 1.0)),
        channels=cast(Any, fields.text('channels', 'rgb', ('rgb', 'bgr'))),
        axes=cast(Any, fields.text('axes', 'nchw', ('nchw', 'nhwc'))),
        dtype=fields.text('dtype', 'float32', _DTYPES))
    fields.done()
    for value in picture.std:
        if abs(value) < 1:  # as of libraries whose pictures run from 0 to 1
            raise fields.mistake('std', f'is {value:g}; values are 0..255 here: take mean and std '
                                 'of values 0..1 times 255; from 1 up is allowed')
    if np.dtype(picture.dtype).kind in 'iu' and (any(picture.mean) or set(picture.std) != {1.0}):
        raise fields.mistake('dtype', f'is {picture.dtype}, which takes no mean and std')
    return picture


def _sha256(fields: Fields) -> str:
    value = fields.text('sha256', '')
    if value and not re.fullmatch('[0-9a-f]{64}', value):
        raise fields.mistake('sha256', f'is {value!r}; 64 small hex digits are allowed')
    return value


def _layout(
    fields: Fields, rules: DecoderRules, name: str, inherited: bool,
) -> str | SkeletonLayout:
    value = fields.anything('layout', '')
    known = f'{", ".join(BUILT_IN)}, or a table with joints, bones and mirror'
    if not rules.layout:
        if value:
            raise fields.mistake('layout', 'is not for this decoder, which has no joints')
        return ''
    if isinstance(value, Mapping):
        return _own_layout(fields.inside('layout', value), name)
    if not value and not inherited:
        raise fields.mistake('layout', f'is missing; allowed are {known}')
    if value and (not isinstance(value, str) or value not in BUILT_IN):
        raise fields.mistake('layout', f'is {value!r}; allowed are {known}')
    return str(value)


def _own_layout(fields: Fields, name: str) -> SkeletonLayout:
    title = fields.text('name', name)
    joints = fields.texts('joints')
    bones = _pairs(fields, 'bones', joints)
    if fields.has('mirror'):
        mirror = _pairs(fields, 'mirror', joints)
    else:
        fields.anything('mirror')
        partners = {joint: joint.replace('left', 'right') for joint in joints if 'left' in joint}
        mirror = tuple((joints.index(left), joints.index(right))
                       for left, right in partners.items() if right in joints)
    fields.done()
    try:
        return SkeletonLayout(title, joints, bones, mirror)
    except LayoutError as error:
        raise fields.mistake('joints', f'do not make a layout: {error}') from error


def _pairs(fields: Fields, key: str, joints: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    value = fields.anything(key, [])
    pairs = []
    for pair in value if isinstance(value, list) else [value]:
        if not isinstance(pair, list) or len(pair) != 2 or any(
                joint not in joints for joint in pair):
            raise fields.mistake(
                key, f'has {pair!r}; lists of two joints are allowed, of {", ".join(joints)}')
        pairs.append((joints.index(pair[0]), joints.index(pair[1])))
    return tuple(pairs)


def _outputs(
    fields: Fields, rules: DecoderRules, conversion: Conversion | Literal['features'] | None,
) -> dict[int, str]:
    value = fields.anything('outputs', {})
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping) or not all(
            type(key) is int and key >= 0 and isinstance(item, str)
            for key, item in value.items()):
        raise fields.mistake(
            'outputs', f'is {value!r}; a list of names, or a table position: name, is allowed')
    # A conversion gives names of its own.
    if value and not conversion and sorted(value.values()) != sorted(rules.outputs):
        allowed = (f'each of {", ".join(rules.outputs)} once is allowed' if rules.outputs
                   else 'this decoder knows its outputs by their shapes: leave it out')
        raise fields.mistake('outputs', f'names {", ".join(value.values())}; {allowed}')
    return dict(value)


def _options(fields: Fields, rules: DecoderRules, decoder: str) -> dict[str, float]:
    table = fields.table('options')
    options = {key: table.number(key, limits=_LIMITS[key])
               for key in rules.options if table.has(key)}
    for key in table.remaining():
        allowed = ', '.join(rules.options) or 'none'
        raise table.mistake(str(key), f'is not an option of {decoder}; allowed are {allowed}')
    if not options.get('class', 0.0).is_integer():
        raise table.mistake('class', f'is {options["class"]:g}; a whole number is allowed')
    return options


def _check(fields: Fields) -> dict[str, tuple[float, ...]]:
    return {str(key): fields.numbers(key) for key in fields.remaining()}


def _published(fields: Fields) -> tuple[Published, ...]:
    value = fields.anything('published', [])
    results = []
    for table in value if isinstance(value, list) else [value]:
        row = fields.inside('published', table)
        results.append(Published(
            metric=row.text('metric'), value=row.number('value'), dataset=row.text('dataset'),
            source=row.text('source'), speed=row.text('speed', '')))
        row.done()
    return tuple(results)
