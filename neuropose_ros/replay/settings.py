"""What a replay is run with: the parameters of the live nodes, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.pose.loading import PoseSettings
from neuropose_ros.pose.scene import DEFAULT_RATE_HZ
from neuropose_ros.recording.folder import is_session
from neuropose_ros.recording.session import open_session
from neuropose_ros.refinement.parameters import RefinementParameters

T = TypeVar('T')
NO_RECOGNISER = 'none'
REFINE = ('causal', 'offline')
"""How poses are refined: causal: as live; offline: each frame by the whole recording."""

LIVE_ONLY: Mapping[str, frozenset[str]] = {
    'pose': frozenset({
        'image_transport', 'expected_rate_hz', 'use_depth', 'depth_tolerance_ms',
        'depth_patience_ms', 'depth_nearest_m', 'depth_farthest_m', 'depth_noise_m',
        'depth_noise_per_m2', 'rectified'}),
    'refinement': frozenset({'expected_rate_hz'}),
    'action': frozenset({'expected_rate_hz', 'input'}),
}
"""Parameters of the nodes that change nothing in a replay."""

_BEFORE: Mapping[str, Mapping[str, Any]] = {'pose': {'exposure': 'never'}}
"""Parameters that older sessions do not have, and what the nodes did before there were any."""

_OF_EVERY_NODE = ('autostart', 'use_sim_time', 'start_type_description_service', 'qos_overrides')


@dataclass(frozen=True)
class FlowSettings:
    """What the pose node does beside its stage."""

    use_feedback: bool = True
    scene_model: str = ''
    scene_rate_hz: float = DEFAULT_RATE_HZ


@dataclass(frozen=True)
class RefinerSettings:
    """Which refiner helps the filters, and how.

    Attributes:
        refiner: `refinement.loading.load_refiner` says what there is.
        refine: one of `REFINE`.

    Raises:
        ParameterError: ``refine`` is none of them.
    """

    refiner: str = ''
    refine: str = REFINE[0]

    def __post_init__(self) -> None:
        """Refuse other words."""
        if self.refine not in REFINE:
            raise ParameterError(
                f'refinement: refine is {self.refine!r}; it must be one of {", ".join(REFINE)}')


@dataclass(frozen=True)
class RecogniserSettings:
    """Which recogniser tells actions; ``none`` = no actions, '' = the shipped one if there is."""

    recogniser: str = ''
    label_set: str = ''
    runtime: str = 'cpu'
    precision: str = 'fp32'
    threads: int = 1


@dataclass(frozen=True)
class Settings:
    """Everything that decides over the results, beside the input.

    One thread for each network: what is computed does not depend on the machine's cores, and
    workers share them better.
    """

    pose: PoseSettings = field(default_factory=lambda: PoseSettings(threads=1))
    flow: FlowSettings = field(default_factory=FlowSettings)
    refinement: RefinementParameters = field(default_factory=RefinementParameters)
    refiner: RefinerSettings = field(default_factory=RefinerSettings)
    recogniser: RecogniserSettings = field(default_factory=RecogniserSettings)
    judging: ActionParameters = field(default_factory=ActionParameters)

    def by_node(self) -> dict[str, dict[str, Any]]:
        """Return the values as the nodes have them."""
        return {
            'pose': asdict(self.pose) | asdict(self.flow),
            'refinement': asdict(self.refinement) | asdict(self.refiner),
            'action': asdict(self.recogniser) | asdict(self.judging)}

    def changed(self, by_node: Mapping[str, Mapping[str, Any]]) -> Settings:
        """Return other settings; what is not given stays.

        Args:
            by_node: values by name, of the nodes ``pose``, ``refinement`` and ``action``; other
                nodes have no part in a replay.

        Raises:
            ParameterError: there is no such parameter, or a value has the wrong type or is out
                of range.
        """
        changed = self
        for node, parts in _PARTS.items():
            given = dict(by_node.get(node, {}))
            for part in parts:
                own = getattr(changed, part)
                taken = {item.name: given.pop(item.name) for item in fields(own)
                         if item.name in given}
                changed = replace(changed, **{part: _replaced(own, node, taken)})
            unknown = {name for name in given.keys() - LIVE_ONLY[node]
                       if name.partition('.')[0] not in _OF_EVERY_NODE}
            if unknown:
                raise ParameterError(f'{node} has no parameter {", ".join(sorted(unknown))}')
        return changed


_PARTS = {'pose': ('pose', 'flow'), 'refinement': ('refinement', 'refiner'),
          'action': ('recogniser', 'judging')}


def _replaced(part: T, node: str, values: Mapping[str, Any]) -> T:
    for name, value in values.items():
        before = getattr(part, name)
        wanted = (int, float) if isinstance(before, float) else type(before)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(before, bool):
            raise ParameterError(f'{node}: parameter {name} must be of type '
                                 f'{type(before).__name__}, not {type(value).__name__} {value!r}')
    numbers = {name: float(value) if isinstance(getattr(part, name), float) else value
               for name, value in values.items()}
    return replace(part, **numbers)  # type: ignore[type-var]


def read_parameters(path: Path) -> dict[str, dict[str, Any]]:
    """Return values by node, of a ROS 2 parameter file or as a session recorded them.

    Of names with a namespace the last part counts. Where a session is older than a parameter, it
    has the value that does what the node did then.

    Raises:
        ParameterError: it cannot be read, or is no parameter file.
        SessionError: the session cannot be read.
    """
    if is_session(path):
        with open_session(path) as session:
            recorded = session.about.parameters
        if not recorded:
            raise ParameterError(f'{path}: this session has no parameters')
        return {node: {**_BEFORE.get(node, {}), **values} for node, values in (
            (name.rpartition('/')[2], values) for name, values in recorded.items())}
    try:
        content = yaml.safe_load(path.read_text('utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(f'{path}: cannot be read as a parameter file ({error})') from error
    found: dict[str, dict[str, Any]] = {}
    try:
        for name, part in (content or {}).items():
            values = part['ros__parameters']
            nodes = tuple(_PARTS) if name.endswith('*') else (name.rpartition('/')[2],)
            for node in nodes:
                found.setdefault(node, {}).update(values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ParameterError(f'{path}: no parameter file: it needs NODE: ros__parameters: '
                             'NAME: VALUE') from error
    return found


def read_assignment(text: str) -> dict[str, dict[str, Any]]:
    """Return the value of ``node.name=value``, as on the command line; values are YAML.

    Raises:
        ParameterError: it is something else.
    """
    name, equals, value = text.partition('=')
    node, dot, parameter = name.strip().partition('.')
    if not (equals and dot and parameter) or node not in _PARTS:
        raise ParameterError(f'{text!r}: give NODE.NAME=VALUE, where NODE is one of '
                             f'{", ".join(_PARTS)}, as refinement.max_bridge_s=1.0')
    try:
        return {node: {parameter: yaml.safe_load(value)}}
    except yaml.YAMLError as error:
        raise ParameterError(f'{text!r}: the value cannot be read ({error})') from error
