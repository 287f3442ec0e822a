"""Conversion between signals, events and measures and their messages, as `core.wire` for poses."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker, MovementMetric
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.wire import MessageTypes, known_enum, own_array, stamp_ns


def signal_info_to_message(info: SignalInfo, types: MessageTypes) -> Any:
    """Return a SignalInfo message."""
    return types.find('neuropose_ros/msg/SignalInfo')(
        stream=info.stream, kind=info.kind, channels=list(info.channels), unit=list(info.unit),
        rate_hz=float(info.rate_hz))


def signal_info_from_message(message: Any) -> SignalInfo:
    """Return the value of a SignalInfo message."""
    return SignalInfo(
        message.stream, message.kind, tuple(message.channels), tuple(message.unit),
        float(message.rate_hz))


def signal_chunk_to_message(chunk: SignalChunk, types: MessageTypes) -> Any:
    """Return a SignalChunk message."""
    return types.find('neuropose_ros/msg/SignalChunk')(
        header=types.header(chunk.stamp_ns, chunk.frame_id),
        stream=chunk.stream,
        sequence=chunk.sequence,
        channels=chunk.data.shape[1],
        data=types.sequence(chunk.data, 'float32'),
        offsets_ns=types.sequence(chunk.offsets_ns, 'int64'),
        clock_id=chunk.clock_id,
        clock_offset_s=float(chunk.clock_offset_s),
        clock_uncertainty_s=float(chunk.clock_uncertainty_s),
        lost_samples=chunk.lost_samples,
    )


def signal_chunk_from_message(message: Any) -> SignalChunk:
    """Return the value of a SignalChunk message.

    Raises:
        ValueError: the values do not make whole samples, or the times are not one for each.
    """
    channels, values = int(message.channels), len(message.data)
    if channels < 1 or values % channels:
        raise ValueError(f'{values} values of {channels} channels do not make whole samples')
    samples, times = values // channels, len(message.offsets_ns)
    if times not in {0, samples}:
        raise ValueError(f'there are {times} times for {samples} samples')
    return SignalChunk(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        stream=message.stream,
        sequence=int(message.sequence),
        data=own_array(message.data, np.float32, (samples, channels)),
        offsets_ns=own_array(message.offsets_ns, np.int64, (samples,)) if times else None,
        clock_id=message.clock_id,
        clock_offset_s=float(message.clock_offset_s),
        clock_uncertainty_s=float(message.clock_uncertainty_s),
        lost_samples=int(message.lost_samples),
    )


def event_to_message(event: EventMarker, types: MessageTypes) -> Any:
    """Return an EventMarker message."""
    return types.find('neuropose_ros/msg/EventMarker')(
        header=types.header(event.stamp_ns, event.frame_id), name=event.name, value=event.value)


def event_from_message(message: Any) -> EventMarker:
    """Return the value of an EventMarker message."""
    return EventMarker(
        stamp_ns(message.header.stamp), message.name, message.value, message.header.frame_id)


def correction_to_message(correction: Correction, types: MessageTypes) -> Any:
    """Return a Correction message."""
    return types.find('neuropose_ros/msg/Correction')(
        header=types.header(correction.stamp_ns, correction.frame_id),
        id=correction.id,
        kind=int(correction.kind),
        session=correction.session,
        epoch=correction.epoch,
        track_id=correction.track_id,
        window_start=types.time(correction.window_start_ns),
        window_end=types.time(correction.window_end_ns),
        label=correction.label,
        keypoint_indices=types.sequence(correction.keypoint_indices, 'uint16'),
        keypoints=types.sequence(correction.keypoints, 'float32'),
        author=correction.author,
        revision=correction.revision,
        undoes=correction.undoes,
    )


def correction_from_message(message: Any) -> Correction:
    """Return the value of a Correction message.

    Raises:
        ValueError: there are not two coordinates for each joint.
    """
    joints, values = len(message.keypoint_indices), len(message.keypoints)
    if values != 2 * joints:
        raise ValueError(f'a correction names {joints} joints but has {values} coordinates')
    return Correction(
        stamp_ns=stamp_ns(message.header.stamp),
        frame_id=message.header.frame_id,
        id=message.id,
        kind=known_enum(CorrectionKind, message.kind),
        session=message.session,
        epoch=int(message.epoch),
        track_id=int(message.track_id),
        window_start_ns=stamp_ns(message.window_start),
        window_end_ns=stamp_ns(message.window_end),
        label=message.label,
        keypoint_indices=(
            own_array(message.keypoint_indices, np.uint16, (joints,)) if joints else None),
        keypoints=own_array(message.keypoints, np.float32, (joints, 2)) if joints else None,
        author=message.author,
        revision=int(message.revision),
        undoes=message.undoes,
    )


def metrics_to_message(
    metrics: tuple[MovementMetric, ...], frame_stamp_ns: int, types: MessageTypes,
) -> Any:
    """Return a MovementMetricArray of measures that became known at one frame."""
    one = types.find('neuropose_ros/msg/MovementMetric')
    return types.find('neuropose_ros/msg/MovementMetricArray')(
        header=types.header(frame_stamp_ns, ''),
        metrics=[one(
            header=types.header(metric.stamp_ns, metric.frame_id),
            track_id=metric.track_id,
            window_start=types.time(metric.window_start_ns),
            window_end=types.time(metric.window_end_ns),
            name=metric.name,
            value=float(metric.value),
            unit=metric.unit,
            lower=float(metric.lower),
            upper=float(metric.upper),
            valid=metric.valid,
        ) for metric in metrics])


def metrics_from_message(message: Any) -> tuple[MovementMetric, ...]:
    """Return the measures of a MovementMetricArray."""
    return tuple(MovementMetric(
        stamp_ns=stamp_ns(metric.header.stamp),
        frame_id=metric.header.frame_id,
        track_id=int(metric.track_id),
        window_start_ns=stamp_ns(metric.window_start),
        window_end_ns=stamp_ns(metric.window_end),
        name=metric.name,
        value=float(metric.value),
        unit=metric.unit,
        lower=float(metric.lower),
        upper=float(metric.upper),
        valid=bool(metric.valid),
    ) for metric in message.metrics)
