"""What the lists of models may say, and what they say."""

import re
from pathlib import Path

import pytest
import yaml

from neuropose_ros.core.errors import LayoutError, ModelError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.resources import config_folder
from neuropose_ros.inference.entry import (
    ModelEntry,
    NpmSource,
    PathSource,
    UrlSource,
    WheelSource,
)
from neuropose_ros.inference.entry_reading import DECODERS
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.registry import load_registry, user_list

OWN = """
my-pose:
  path: my.onnx
  decoder: simcc
  layout: coco17
  input: {width: 192, height: 256, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}
"""


@pytest.fixture
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / 'models.yaml'
    monkeypatch.setenv('NEUROPOSE_MODELS', str(path))
    return path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, ModelEntry]:
    monkeypatch.delenv('NEUROPOSE_MODELS', raising=False)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
    return load_registry()


def test_the_list_has_what_labs_use(registry: dict[str, ModelEntry]) -> None:
    assert {f'rtmpose-{size}{of}' for size in 'tsm' for of in ('', '-halpe26', '-wholebody')} | {
        f'rtmo-{size}' for size in 'tsml'} | {
        'yolox-nano', 'yolox-tiny', 'rtmdet-nano', 'movenet-lightning', 'movenet-thunder',
        'blazepose', 'blazepose-lite', 'blazepose-heavy', 'resnet50', 'mobilenet-v2', 'youtu-reid',
    } <= set(registry)
    joints = {'rtmpose-s': 17, 'rtmpose-s-halpe26': 26, 'rtmpose-s-wholebody': 133, 'rtmo-l': 17,
              'blazepose-heavy': 33, 'movenet-thunder': 17}
    assert {name: len(registry[name].skeleton()) for name in joints} == joints


def test_every_entry_is_complete(registry: dict[str, ModelEntry]) -> None:
    for name, entry in registry.items():
        assert entry.title and entry.decoder in DECODERS, name
        assert (entry.kind == 'pose') <= bool(entry.layout), name
        assert bool(entry.sources) != bool(entry.parts), name
        assert set(entry.check) <= set(entry.outputs.values()), name
        assert entry.parts or entry.sha256 or not isinstance(
            entry.sources[0], WheelSource | NpmSource), name
        for result in entry.published:
            assert result.value > 0 and result.source.startswith('['), name


def test_no_licence_binds_the_users_code(registry: dict[str, ModelEntry]) -> None:
    assert {entry.licence for entry in registry.values()} <= {'Apache-2.0', 'MIT', 'BSD-3-Clause'}


def test_every_address_is_the_authors_own(registry: dict[str, ModelEntry]) -> None:
    hosts = {
        re.split('[/:]+', source.url)[1]
        for entry in registry.values() for source in entry.sources
        if isinstance(source, UrlSource)}
    assert hosts == {
        'download.openmmlab.com', 'github.com', 'raw.githubusercontent.com', 'tfhub.dev',
        'media.githubusercontent.com', 'storage.googleapis.com'}
    for entry in registry.values():
        for source in entry.sources:
            if isinstance(source, UrlSource):
                assert source.url.startswith('https://'), entry.name


def test_every_source_that_is_cited_is_listed_with_its_commit() -> None:
    text = (config_folder() / 'models.yaml').read_text('utf-8')
    head, _, rest = text.partition('\n\n# ---')
    listed = set(re.findall(r'^# (\[[a-z.]+\]) ', head, re.M))
    cited = set(re.findall(r'\[[a-z]+(?:\.md)?\](?=[: ,/\'\n;)])', rest)) - {'[0]'}
    assert cited == listed


def test_the_facts_of_the_authors_configurations(registry: dict[str, ModelEntry]) -> None:
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    assert registry['rtmpose-m'].input == PictureInput(192, 256, mean, std, 'rgb')
    assert registry['rtmdet-nano'].input == PictureInput(320, 320, mean[::-1], std[::-1], 'bgr')
    assert registry['rtmo-t'].input == PictureInput(416, 416, channels='bgr')
    assert registry['yolox-nano'].options == {'fill': 114, 'class': 0}
    lightning = registry['movenet-lightning'].input
    assert (lightning.axes, lightning.dtype, lightning.channels) == ('nhwc', 'uint8', 'rgb')
    # The folding of these into the weights is exact to the last bit: nothing may move.
    detector = registry['blazepose-detector'].convert
    assert detector is not None and not isinstance(detector, str)
    assert (detector.offset, detector.scale) == (127.5, 0.00784313725490196)


def test_what_is_made_of_parts_takes_their_input_and_joints(
    registry: dict[str, ModelEntry],
) -> None:
    heavy = registry['blazepose-heavy']
    assert heavy.parts == ('blazepose-detector', 'blazepose-landmarks-heavy')
    assert heavy.input == registry['blazepose-landmarks-heavy'].input
    assert heavy.skeleton().name == 'blazepose33' and heavy.megabytes > 30


def test_an_own_network_goes_in_by_a_few_lines(own_list: Path) -> None:
    assert len(OWN.strip().splitlines()) < 10
    own_list.write_text(OWN)
    registry = load_registry()
    entry = registry['my-pose']
    assert (entry.kind, entry.title, entry.format) == ('pose', 'my-pose', 'onnx')
    assert entry.sources == (PathSource(own_list.parent / 'my.onnx'),)
    assert entry.skeleton() is COCO17 and entry.origin == own_list
    assert entry.input.mean == (123.675, 116.28, 103.53)
    assert len(registry) == len(load_registry(config_folder() / 'models.yaml')) + 1


def test_joints_may_be_the_users_own(own_list: Path) -> None:
    own_list.write_text("""
mouse:
  path: /nets/mouse.tflite
  decoder: heatmap
  layout: {name: mouse4, joints: nose left_ear right_ear tail, bones: [[nose, left_ear],
           [nose, right_ear], [nose, tail]]}
  input: {width: 256, height: 256, mean: 127.5, std: 127.5}
fly: {path: fly.onnx, decoder: rtmo, input: {width: 64, height: 64},
      layout: {joints: [a, b, c], mirror: [[a, c]]}}
""")
    registry = load_registry()
    mouse = registry['mouse']
    assert mouse.format == 'tflite' and mouse.own_file == Path('/nets/mouse.tflite')
    skeleton = mouse.skeleton()
    assert skeleton.name == 'mouse4' and skeleton.edges == ((0, 1), (0, 2), (0, 3))
    assert skeleton.mirror_pairs == ((1, 2),), 'left and right by name'
    assert mouse.input.std == (127.5, 127.5, 127.5)
    assert registry['fly'].skeleton().name == 'fly'
    assert registry['fly'].skeleton().mirror_pairs == ((0, 2),)


def test_a_key_of_the_users_takes_the_place_of_the_packages(own_list: Path) -> None:
    built_in = load_registry(config_folder() / 'models.yaml')['blazepose-landmarks']
    own_list.write_text(
        'blazepose-landmarks: {source: {url: "https://mirror.example/full.tflite"}}\n')
    entry = load_registry()['blazepose-landmarks']
    assert entry.sources == (UrlSource('https://mirror.example/full.tflite'),)
    assert entry.sha256 == built_in.sha256 and entry.check == built_in.check
    own_list.write_text('resnet50: {path: tuned.onnx, title: Tuned}\n')
    tuned = load_registry()['resnet50']
    assert (tuned.title, tuned.sha256, tuned.published) == ('Tuned', '', ())
    assert tuned.own_file == own_list.parent / 'tuned.onnx' and tuned.input.width == 224


def test_the_users_list_is_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('NEUROPOSE_MODELS', str(tmp_path / 'own.yaml'))
    with pytest.raises(ModelError, match=r'own\.yaml cannot be read'):
        load_registry()
    monkeypatch.delenv('NEUROPOSE_MODELS')
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
    assert user_list() == tmp_path / 'neuropose' / 'models.yaml'
    assert load_registry()
    monkeypatch.setenv('NEUROPOSE_MODELS', '~nobody-of-that-name/own.yaml')
    with pytest.raises(ModelError, match="NEUROPOSE_MODELS is '~nobody-of-that-name/own"):
        user_list()
    monkeypatch.delenv('NEUROPOSE_MODELS')
    monkeypatch.setenv('XDG_CONFIG_HOME', 'relative')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert user_list() == tmp_path / '.config' / 'neuropose' / 'models.yaml'


def _with(**changes: object) -> str:
    values = yaml.safe_load(OWN)['my-pose'] | changes
    return yaml.safe_dump({'my-pose': {k: v for k, v in values.items() if v is not None}})


SOURCE = {'path': None, 'title': 't', 'licence': 'MIT'}


@pytest.mark.parametrize(('content', 'said'), [
    ('- a\n- b\n', 'must be a table of names'),
    ('x: {\n', 'cannot be read: '),
    ('1: {}\n', 'the name 1 of an entry must be a text'),
    ('x: [1]\n', r'entry x: a table of keys is expected, not \[1\]'),
    ('X y: {decoder: simcc}\n', 'entry X y: the name may have small letters'),
    ('x: {title: y}\n', 'entry x: decoder is missing; allowed are simcc, heatmap, '),
    (_with(decoder='openpose'), "my-pose: decoder is 'openpose'; allowed are simcc, heatmap"),
    (_with(path=None), 'my-pose: path or source is expected, one of the two'),
    (_with(source={'url': 'https://x/y.onnx'}), 'path or source is expected, one of the two'),
    (_with(path=7), 'my-pose: path is 7; a text is allowed'),
    (_with(path='my.pth'), 'format is missing and my.pth does not say it; allowed are onnx, tfl'),
    (_with(format='tflite'), 'format is tflite, but the file is my.onnx; the names of tflite'),
    (_with(path='my.tflite', format='onnx'), 'format is onnx, but the file is my.tflite; the '),
    (_with(kind='hand'), "my-pose: kind is 'hand'; allowed are pose"),
    (_with(colour='red'), 'my-pose: colour is not known; allowed are check, convert, '),
    (_with(layout=None), 'layout is missing; allowed are coco17, .* or a table with joints'),
    (_with(layout='coco18'), "layout is 'coco18'; allowed are coco17, "),
    (_with(layout={'joints': ['a', 'a']}), 'layout: joints do not make a layout: .* twice'),
    (_with(layout={'joints': 'a b', 'bones': [['a', 'z']]}),
     r"layout: bones has \['a', 'z'\]; lists of two joints are allowed, of a, b"),
    (_with(layout={'joints': 'a b', 'edges': []}), 'layout: edges is not known; allowed are bo'),
    (_with(decoder='yolox'), 'layout is not for this decoder, which has no joints'),
    (_with(input=None), 'input: width is missing'),
    (_with(input={'width': 0, 'height': 4}), 'input: width is 0; a whole number from 1 up'),
    (_with(input={'width': 4, 'height': 4, 'mean': [1, 2]}),
     r'input: mean is \[1, 2\]; a number, or a list of three, is allowed'),
    (_with(input={'width': 4, 'height': 4, 'std': [1, 0, 1]}), 'std is 0; values are 0..255'),
    (_with(input={'width': 4, 'height': 4, 'std': float('nan')}), 'input: std is nan; a number'),
    (_with(input={'width': 4, 'height': 4, 'channels': 'rbg'}),
     "input: channels is 'rbg'; allowed are rgb, bgr"),
    (_with(input={'width': 4, 'height': 4, 'axes': 'chw'}), 'allowed are nchw, nhwc'),
    (_with(input={'width': 4, 'height': 4, 'dtype': 'uint8', 'mean': 1}),
     'input: dtype is uint8, which takes no mean and std'),
    (_with(input={'width': 4, 'height': 4, 'scale': 1}), 'input: scale is not known; allowed are'),
    (_with(sha256='12'), "sha256 is '12'; 64 small hex digits are allowed"),
    (_with(options={'speed': 1}), 'options: speed is not an option of simcc; allowed are padding'),
    (_with(options={'padding': 'wide'}), "options: padding is 'wide'; a number from 0.1 to"),
    (_with(outputs='x'), "outputs is 'x'; a list of names, or a table position: name"),
    (_with(convert='fp16'), "convert is 'fp16' for the format onnx; allowed are a table"),
    (_with(convert={'scale': 1}), 'convert is for the format tflite, not onnx'),
    (_with(published={'metric': 'AP'}), 'published: value is missing'),
    (_with(**SOURCE, source=[]), 'source is empty; a table, or a list of tables, is allowed'),
    (_with(**SOURCE, source={'ftp': 'x'}), 'source: a key is missing; allowed are url, wh'),
    (_with(**SOURCE, source={'url': 'ftp://x/y.onnx'}), 'http:// and https:// are allowed'),
    (_with(**SOURCE, source={'url': 'https://x/y'}), 'source: file is missing, and .* file name'),
    (_with(**SOURCE, source={'url': 'https://x/y.onnx', 'sha': 1}), 'source: sha is not known'),
    (_with(**SOURCE, source={'npm': 'a@1', 'file': 'a.tgz', 'megabytes': 1}), 'member is missing'),
    (_with(path=None, title='t', source={'url': 'https://x/y.onnx'}), 'licence is missing'),
    (_with(decoder='blazepose', path=None, input=None, parts=['nobody'], title='t', licence='MIT'),
     'entry my-pose: parts are 1; the decoder blazepose is made of blazepose-detector and blaz'),
    (_with(decoder='blazepose', path=None, input=None, parts=['blazepose-detector', 'nobody'],
           title='t', licence='MIT'),
     "entry my-pose: parts names 'nobody'; allowed are blazepose-landmarks, "),
    (_with(decoder='blazepose', layout='blazepose33'), 'my-pose: parts are 0; the decoder blaz'),
    (_with(parts='a b'), 'my-pose: parts are 2; the decoder simcc is made of no others'),
    (_with().replace('my-pose', 'a' * 65), 'digits, dots, dashes and underscores, 64 in all'),
    (_with(path='~nobody-of-that-name/my.onnx'), "path is '~nobody.*', which cannot be a file: "),
    (_with(path='a' * 300 + '.onnx'), "path is 'a*.onnx', which cannot be a file: File name too"),
    (_with(path='http://x/my.onnx'), r'path is the address .*; it goes into source: \{url: '),
    (_with(**SOURCE, source={'url': 'http://[x/y.onnx'}), r"url is 'http://\[x/y.onnx'; http:// "),
    (_with(**SOURCE, source={'url': 'http://x:y/z.onnx'}), "url is 'http://x:y/z.onnx'; http://"),
    (_with(**SOURCE, source={'url': 'http://x y/z.onnx'}), "url is 'http://x y/z.onnx'; http://"),
    (_with(**SOURCE, source={'url': 'https://x/y', 'file': '../z.onnx'}),
     r"file is '\.\./z\.onnx'; the name of a file is allowed"),
    (_with(**SOURCE, source={'url': 'https://x/y', 'file': '/etc/z.onnx'}), 'the name of a file'),
    (_with(layout=['a', 'b']), r"layout is \['a', 'b'\]; allowed are coco17, "),
    (_with(layout={'joints': 'a b', 'bones': [[['a'], 'b']]}), r"bones has \[\['a'\], 'b'\]; lis"),
    (_with(input={'width': 9000, 'height': 4}), 'width is 9000; a whole number from 1 up to 8192'),
    (_with(input={'width': 10 ** 400, 'height': 4}), r'input: width is 10+\.\.\.0+; a whole numb'),
    (_with(input={'width': 4, 'height': 4, 'mean': 10 ** 400}), 'input: mean is 1000'),
    (_with(input={'width': 4, 'height': 4, 'mean': 0.485, 'std': 0.229}),
     r'input: std is 0.229; values are 0..255 here: take mean and std of values 0..1 times 255'),
    (_with(options={'padding': 0}), 'padding is 0; a number from 0.1 to 10 is allowed'),
    (_with(options={'fill': 300}), 'fill is 300; a number from 0 to 255 is allowed'),
    (_with(options={'least_joint_score': -1}), 'score is -1; a number from 0 is allowed'),
    (_with(decoder='yolox', layout=None, options={'class': 0.5}), 'class is 0.5; a whole number'),
    (_with(outputs=['x', 'y']), 'outputs names x, y; each of simcc_x, simcc_y once is allowed'),
    (_with(outputs={'0': 'simcc_x', True: 'simcc_y'}), 'or a table position: name, is allowed'),
    (_with(decoder='heatmap', outputs=['maps']), 'outputs names maps; this decoder knows its out'),
    ('x: ' + '[' * 900 + ']' * 900, 'entry x: a table of keys is expected, not'),
])
def test_each_mistake_is_one_sentence(own_list: Path, content: str, said: str) -> None:
    own_list.write_text(content)
    with pytest.raises(ModelError, match=said) as raised:
        load_registry()
    assert str(own_list) in str(raised.value) and '\n' not in str(raised.value)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'nowhere\.yaml cannot be read'):
        load_registry(tmp_path / 'nowhere.yaml')


def test_an_empty_list_adds_nothing(own_list: Path) -> None:
    own_list.write_text('# nothing yet\n')
    assert set(load_registry()) == set(load_registry(config_folder() / 'models.yaml'))


def test_what_has_no_joints_says_so(registry: dict[str, ModelEntry]) -> None:
    with pytest.raises(ModelError, match='yolox-nano has no joints: it is of the kind detector'):
        registry['yolox-nano'].skeleton()
    with pytest.raises(LayoutError):
        ModelEntry('x', 'x', 'pose', 'MIT', 'onnx', 'simcc', PictureInput(4, 4),
                   layout='none').skeleton()


def test_a_key_changes_with_the_file_or_with_where_it_comes_from() -> None:
    first = ModelEntry('x', 'x', 'pose', 'MIT', 'onnx', 'simcc', PictureInput(4, 4),
                       (UrlSource('https://x/1.onnx'),))
    keys = {first.key}
    for change in ({'sources': (UrlSource('https://x/2.onnx'),)}, {'sha256': 'ab' * 32}):
        keys.add(ModelEntry(**(first.__dict__ | change)).key)
    assert len(keys) == 3 and 'abababababab' in keys
