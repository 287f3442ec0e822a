"""Which topics of a bag are one camera's flow."""

from __future__ import annotations

from dataclasses import dataclass

from neuropose_ros.core.errors import DataError
from neuropose_ros.recording.bag_reading import Bag
from neuropose_ros.recording.bag_types import PACKAGE

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
POSES = f'{PACKAGE}PersonArray'
IMAGES = ('auto', 'raw', 'compressed', 'none')


@dataclass(frozen=True)
class BagTopics:
    """Names of topics; '' = the bag has none.

    Attributes:
        images: '' = the recorded poses are refined anew.
    """

    images: str = ''
    compressed: bool = False
    frame_info: str = ''
    poses: str = ''
    poses_refined: str = ''
    actions: str = ''
    scene: str = ''
    layouts: str = ''
    label_sets: str = ''
    corrections: str = ''

    @property
    def told(self) -> tuple[str, ...]:
        """What tells of the flow beside the pictures."""
        found = (self.frame_info, self.poses, self.poses_refined, self.actions, self.layouts,
                 self.label_sets, self.corrections)
        return tuple(filter(None, found))


def find_topics(
    bag: Bag, *, images: str = 'auto', namespace: str | None = None, topic: str = '',
) -> BagTopics:
    """Choose the topics.

    Args:
        images: one of `IMAGES`; ``auto``: raw, else compressed, else none.
        namespace: of the flow; None = the only one.
        topic: of the images, whatever its name; '' = ``image_raw`` of the namespace.

    Raises:
        DataError: there is nothing to work on, or it is not clear on what.
    """
    if topic:
        found = bag.topics.get(topic)
        if found is None or found.type not in (RAW, COMPRESSED):
            raise DataError(f'{bag.path}: there are no images on {topic}; images are on '
                            f'{_listed(bag.of_type(RAW) + bag.of_type(COMPRESSED))}')
        base = topic.removesuffix('/compressed')
        return _flow(bag, base.rpartition('/')[0], topic, found.type == COMPRESSED, namespace)
    kinds = {'raw': ('/image_raw', RAW), 'compressed': ('/image_raw/compressed', COMPRESSED),
             'none': ('/poses', POSES)}
    wanted = tuple(kinds) if images == 'auto' else (images,)
    for kind in wanted:
        end, type_name = kinds[kind]
        spaces = [name[:-len(end)] for name in bag.of_type(type_name)
                  if name.endswith(end) and not name.endswith(f'/depth{end}')]
        if namespace is not None:
            spaces = [space for space in spaces if space == _space(namespace)]
        if len(spaces) > 1:
            raise DataError(f'{bag.path}: several cameras are in it, choose one: '
                            + ', '.join(f'--namespace {space or "/"}' for space in spaces))
        if spaces:
            chosen = '' if kind == 'none' else spaces[0] + end
            return _flow(bag, spaces[0], chosen, kind == 'compressed', namespace)
    names = ', '.join(kinds[kind][0][1:] for kind in wanted)
    where = '' if namespace is None else f' in {namespace}'
    raise DataError(f'{bag.path}: it has no {names}{where}; it has {_listed(sorted(bag.topics))}. '
                    'Other images are named with --topic')


def _flow(
    bag: Bag, beside: str, images: str, compressed: bool, namespace: str | None,
) -> BagTopics:
    space = beside if namespace is None else _space(namespace)

    def one(name: str, kind: str, at: str = space) -> str:
        """The topic of the namespace, else the only one of that name."""
        fitting = [topic for topic in bag.of_type(f'{PACKAGE}{kind}')
                   if topic == name or topic.endswith(f'/{name}')]
        if f'{at}/{name}' in fitting:
            return f'{at}/{name}'
        return fitting[0] if len(fitting) == 1 else ''

    return BagTopics(
        images, compressed, one('frame_info', 'FrameInfo', beside), one('poses', 'PersonArray'),
        one('poses_refined', 'PersonArray'), one('actions', 'ActionArray'),
        one('scene', 'SceneEmbedding'), one('layouts', 'SkeletonLayout'),
        one('label_sets', 'LabelSet'), one('corrections', 'Correction'))


def _space(namespace: str) -> str:
    name = namespace.strip('/')
    return f'/{name}' if name else ''


def _listed(names: list[str]) -> str:
    return ', '.join(names) or 'nothing'
