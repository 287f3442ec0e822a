"""The scene encoder: on a network whose vector is known, and on a real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.core.pose import Frame
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.pose.scene import SceneEncoder, create_scene_encoder, scene_models
from neuropose_ros.sources.synthetic.source import open_synthetic

SECOND = 1_000_000_000
INPUT = PictureInput(32, 24, mean=(10.0, 20.0, 30.0), std=(2.0, 2.0, 2.0), channels='rgb')


def entry(**changes: Any) -> ModelEntry:
    plain = ModelEntry(
        name='means', title='means', kind='scene', licence='Apache-2.0', format='onnx',
        decoder='embedding', input=INPUT)
    return replace(plain, **changes)


def network(
    *, keep_axes: bool = False, second: tuple[int, ...] | None = None,
) -> OnnxRuntime:
    """Return what gives the mean of each channel, and another output where one is asked for."""
    nodes = [helper.make_node(
        'GlobalAveragePool' if keep_axes else 'ReduceMean', ['picture'], ['vector'],
        **({} if keep_axes else {'axes': [2, 3], 'keepdims': 0}))]
    outputs = [helper.make_tensor_value_info(
        'vector', TensorProto.FLOAT, (1, 3, 1, 1) if keep_axes else (1, 3))]
    if second is not None:
        nodes.append(helper.make_node(
            'Constant', [], ['other'], value=helper.make_tensor(
                'zero', TensorProto.FLOAT, second, np.zeros(second, np.float32).ravel())))
        outputs.append(helper.make_tensor_value_info('other', TensorProto.FLOAT, second))
    picture = helper.make_tensor_value_info(
        'picture', TensorProto.FLOAT, (1, 3, INPUT.height, INPUT.width))
    model = helper.make_model(
        helper.make_graph(nodes, 'means', [picture], outputs),
        opset_imports=[helper.make_opsetid('', 13)], ir_version=8)
    return OnnxRuntime(model.SerializeToString(), threads=1)


def frame(stamp_ns: int = SECOND, **changes: Any) -> Frame:
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, :64] = (50, 100, 200)  # B G R
    return replace(Frame(image, stamp_ns, 7, frame_id='eye', epoch=3), **changes)


@pytest.mark.parametrize('keep_axes', [False, True])
def test_the_vector_is_that_of_the_whole_picture(keep_axes: bool) -> None:
    encoder = SceneEncoder(network(keep_axes=keep_axes), entry())
    assert (encoder.model, encoder.size) == ('means', 3)
    scene = encoder.encode(frame())
    # Half of the picture is (50, 100, 200) in B G R, the other half black.
    np.testing.assert_allclose(
        scene.embedding, [(100 - 10) / 2, (50 - 20) / 2, (25 - 30) / 2], atol=0.01)
    assert scene.embedding.dtype == np.float32
    assert (scene.stamp_ns, scene.frame_seq, scene.frame_id, scene.epoch, scene.model) == (
        SECOND, 7, 'eye', 3, 'means')


def test_fine_patterns_average_out_and_do_not_alias() -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, ::2] = 255
    scene = SceneEncoder(network(), entry()).encode(frame(image=image))
    np.testing.assert_allclose(scene.embedding * 2 + (10, 20, 30), 127.5, atol=1)


@pytest.mark.parametrize(('rate_hz', 'frames_hz', 'expected'), [
    (2.0, 30, 6), (2.0, 29.97, 6), (0.0, 10, 30), (5.0, 4, 12), (3.0, 4, 9)])
def test_the_rate_is_bounded_in_the_pictures_time(
    rate_hz: float, frames_hz: float, expected: int,
) -> None:
    encoder = SceneEncoder(network(), entry(), rate_hz=rate_hz)
    stamps = [round(SECOND * (1 + i / frames_hz)) for i in range(int(3 * frames_hz))]
    encoded = [encoder.encode(frame(stamp)) for stamp in stamps]
    assert abs(sum(scene is not None for scene in encoded) - expected) <= (rate_hz == 3.0)


def test_time_that_begins_anew_is_due_at_once() -> None:
    encoder = SceneEncoder(network(), entry(), rate_hz=1.0)
    assert encoder.encode(frame(10 * SECOND)) is not None
    assert encoder.encode(frame(10 * SECOND + 1)) is None
    assert encoder.encode(frame(2 * SECOND)) is not None
    assert encoder.encode(frame(2 * SECOND + 1, epoch=4)) is not None
    encoder.reset()
    assert encoder.encode(frame(2 * SECOND + 2, epoch=4)) is not None


def test_of_two_outputs_the_entry_names_the_vector() -> None:
    with pytest.raises(ModelError, match='one vector'):
        SceneEncoder(network(second=(1, 5)), entry())
    named = SceneEncoder(network(second=(1, 5)), entry(outputs={0: 'embedding'}))
    assert named.size == 3
    assert SceneEncoder(network(second=(2, 5)), entry()).size == 3
    assert SceneEncoder(network(second=()), entry()).size == 3, 'a number is no vector'


def test_an_unknown_encoder_is_named() -> None:
    with pytest.raises(ParameterError, match='known are means'):
        create_scene_encoder('resnet999', registry={'means': entry()})
    assert scene_models({'means': entry(), 'pose': entry(kind='pose')}) == ('means',)
    assert scene_models()


def test_a_real_network_tells_a_room_from_a_studio(data_folder: Path) -> None:
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    from neuropose_ros.inference.litert import LiteRtRuntime

    found = entry(
        name='mobilenet', format='tflite', input=PictureInput(
            224, 224, channels='rgb', axes='nhwc', dtype='uint8'))
    encoder = SceneEncoder(LiteRtRuntime(
        data_folder / 'models/mobilenet_v1_embedding'
        / 'mobilenet_v1_1.0_224_quant_embedding_extractor.tflite'), found, rate_hz=0.0)
    assert encoder.size == 1024

    def vectors(background: str) -> list[np.ndarray]:
        source = open_synthetic(f'synthetic:walk?background={background}&rate=4')
        embeddings = [
            encoder.encode(frame(index, image=source.read().image)).embedding
            for index in range(1, 4)]
        return [vector / np.linalg.norm(vector) for vector in embeddings]

    room, studio = vectors('room'), vectors('plain')
    same = min(float(a @ b) for group in (room, studio) for a in group for b in group)
    other = max(float(a @ b) for a in room for b in studio)
    assert same > other + 0.05
