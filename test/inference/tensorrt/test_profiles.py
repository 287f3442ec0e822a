import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.tensorrt.probes import make_probes
from neuropose_ros.inference.tensorrt.profiles import InputShape, make_profiles

PICTURE = PictureInput(width=6, height=4, mean=(1, 2, 3), std=(2, 4, 8))


def test_a_fixed_batch_stays_as_it_is() -> None:
    profile, = make_profiles('x', (InputShape('a', (2, 3, 4, 6)),), PICTURE, 8)
    assert profile.smallest == profile.tuned == profile.largest == {'a': (2, 3, 4, 6)}


@pytest.mark.parametrize(('axes', 'shape', 'expected'), [
    ('nchw', (None, 3, None, None), (8, 3, 4, 6)), ('nhwc', (None, None, None, 3), (8, 4, 6, 3))])
def test_dynamic_axes_take_the_size_of_the_picture(
        axes: str, shape: tuple[int | None, ...], expected: tuple[int, ...]) -> None:
    picture = PictureInput(width=6, height=4, axes=axes)  # type: ignore[arg-type]
    profiles = make_profiles('x', (InputShape('a', shape),), picture, 8)
    assert profiles[1].largest['a'] == expected
    assert profiles[1].holds({'a': expected}) and not profiles[0].holds({'a': expected})
    assert not profiles[1].holds({'a': expected[1:]})


def test_other_dynamic_axes_are_refused() -> None:
    with pytest.raises(ModelError, match=r'the axes \[1\] of input a are dynamic'):
        make_profiles('x', (InputShape('a', (1, None)),), PICTURE, 1)
    with pytest.raises(ModelError, match='a batch of 0'):
        make_profiles('x', (InputShape('a', (1, 2)),), PICTURE, 0)


def test_probes_are_pictures_as_the_network_takes_them() -> None:
    inputs = (InputShape('a', (None, 3, 4, 6)), InputShape('b', (1, 5), 'float16'))
    for probe in make_probes(inputs, {'a': (1, 3, 4, 6), 'b': (1, 5)}, PICTURE):
        grey = probe['a'][0] * [[[2]], [[4]], [[8]]] + [[[1]], [[2]], [[3]]]
        assert probe['a'].dtype == 'float32' and grey.min() >= -1e-4 and grey.max() < 255.001
        assert grey.std() > 30
        assert probe['b'].shape == (1, 5) and probe['b'].dtype == 'float16'
