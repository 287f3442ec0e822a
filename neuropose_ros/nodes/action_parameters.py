"""The parameters of the action node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from neuropose_ros.action.description import read_description
from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.action.store import find_recogniser
from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.select import RUNTIMES
from neuropose_ros.nodes.parameters import ParameterSpec, spec_of_field

NONE = 'none'
"""Recogniser of a graph that has no action node."""

ACTION = tuple(spec_of_field(item) for item in fields(ActionParameters))

PARAMETERS = (
    ParameterSpec(
        'recogniser', '', 'Which recogniser judges: a folder that `neuropose export` wrote, or '
        'the name of a deployed one. Empty: the one that comes with the package.'),
    ParameterSpec(
        'input', 'poses_refined', 'Topic of the poses to judge. poses would be the unrefined '
        'ones: less delay, more noise.'),
    ParameterSpec(
        'label_set', '', 'Which actions the robot was made for, as jhmdb14 or jhmdb14@1a2b: a '
        'recogniser of others is refused. Empty: any.'),
    ParameterSpec(
        'runtime', 'cpu', 'What runs the network. It is so small that the way to a GPU costs more '
        'than it saves; auto takes one all the same where there is one.', choices=RUNTIMES),
    ParameterSpec(
        'precision', 'fp32', 'Of the network; fp16 is half the size, probabilities move by up to '
        '.01.', choices=('fp16', 'fp32')),
    ParameterSpec(
        'threads', 1, 'Threads of the network; 0 = what the machine has to spare. One tick of '
        'time is little work: more threads seldom pay.', minimum=0, maximum=64),
    *ACTION,
    ParameterSpec(
        'expected_rate_hz', 0.0, 'Declared rate of poses; below 90 % of it /diagnostics warns. '
        '0 = not declared.', unit='Hz', minimum=0.0, maximum=1000.0, live=True),
)


def action_parameters(settings: Mapping[str, Any]) -> ActionParameters:
    """Return the stage's part of a node's settings.

    Raises:
        ParameterError: they contradict each other.
    """
    return ActionParameters(**{spec.name: settings[spec.name] for spec in ACTION})


def wants_actions(recogniser: str, announce: Callable[[str], object]) -> bool:
    """Whether a whole graph has an action node: a recogniser is chosen, or one is shipped.

    Args:
        recogniser: as in the parameter; ``none`` = no.
        announce: takes the sentence why not, where nobody chose.
    """
    if recogniser:
        return recogniser != NONE
    try:
        find_recogniser()
    except ModelError as error:
        announce(f'no actions: {error}')
        return False
    return True


def needed_scene_model(settings: Mapping[str, Any]) -> str:
    """Return the scene encoder that the chosen recogniser reads; '' = none.

    Raises:
        ModelError: there is no such recogniser.
    """
    if not settings['use_scene']:
        return ''
    return read_description(find_recogniser(settings['recogniser'])).scene_model
