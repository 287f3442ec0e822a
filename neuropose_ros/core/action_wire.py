"""Conversion between actions and their messages, as `core.wire` does it for poses."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase, LabelSet
from neuropose_ros.core.errors import LabelError
from neuropose_ros.core.wire import MessageTypes, known_enum, own_array, stamp_ns


def _action_to_message(action: Action, types: MessageTypes) -> Any:
    return types.find('neuropose_ros/msg/Action')(
        track_id=int(action.track_id),
        window_start=types.time(action.window_start_ns),
        window_end=types.time(action.window_end_ns),
        frames_used=int(action.frames_used),
        coverage=float(action.coverage),
        probabilities=types.sequence(action.probabilities, 'float32'),
        top_index=int(action.top_index),
        top_label=action.top_label,
        unknown_score=float(action.unknown_score),
        reason=action.reason,
        phase=int(action.phase),
        entropy=float(action.entropy),
        decision_delay_s=float(action.decision_delay_s),
    )


def action_frame_to_message(frame: ActionFrame, types: MessageTypes) -> Any:
    """Return an ActionArray of ``frame``."""
    return types.find('neuropose_ros/msg/ActionArray')(
        header=types.header(frame.stamp_ns, frame.frame_id),
        frame_seq=frame.frame_seq,
        epoch=frame.epoch,
        scene_stamp=types.time(frame.scene_stamp_ns),
        label_set=frame.label_set,
        model=frame.model,
        actions=[_action_to_message(action, types) for action in frame.actions],
    )


def _action_from_message(message: Any) -> Action:
    count, top_index = len(message.probabilities), int(message.top_index)
    if not -1 <= top_index < count:
        raise ValueError(
            f'an action has {count} probabilities but names number {top_index} as the top one')
    return Action(
        track_id=int(message.track_id),
        window_start_ns=stamp_ns(message.window_start),
        window_end_ns=stamp_ns(message.window_end),
        frames_used=int(message.frames_used),
        coverage=float(message.coverage),
        probabilities=own_array(message.probabilities, np.float32, (count,)),
        top_index=top_index,
        top_label=message.top_label,
        unknown_score=float(message.unknown_score),
        reason=message.reason,
        phase=known_enum(ActionPhase, message.phase),
        entropy=float(message.entropy),
        decision_delay_s=float(message.decision_delay_s),
    )


def action_frame_from_message(message: Any) -> ActionFrame:
    """Return the value of an ActionArray.

    Raises:
        ValueError: a top action is none of the actions.
    """
    return ActionFrame(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        frame_seq=int(message.frame_seq),
        epoch=int(message.epoch),
        scene_stamp_ns=stamp_ns(message.scene_stamp),
        label_set=message.label_set,
        model=message.model,
        actions=tuple(_action_from_message(action) for action in message.actions),
    )


def label_set_to_message(labels: LabelSet, types: MessageTypes) -> Any:
    """Return a LabelSet message."""
    return types.find('neuropose_ros/msg/LabelSet')(id=labels.id, labels=list(labels.labels))


def label_set_from_message(message: Any) -> LabelSet:
    """Return the labels of a LabelSet message.

    Raises:
        LabelError: the labels cannot be told apart, or the id is not that of these labels.
    """
    labels = LabelSet(message.id.partition('@')[0], tuple(message.labels))
    if labels.id != message.id:
        raise LabelError(
            f'label set {message.id}: its labels have the id {labels.id}; whoever publishes it '
            'changed one and not the other')
    return labels
