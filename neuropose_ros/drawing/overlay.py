"""People drawn over their image, so that one sees what was measured and what was not."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.action import UNKNOWN_LABEL, Action, ActionFrame
from neuropose_ros.core.errors import ImageError, LayoutError
from neuropose_ros.core.pose import Floats, Image, JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout

Colour = tuple[int, int, int]

# Okabe and Ito's palette (2008), told apart by all common kinds of colour vision; BGR.
LEFT: Colour = (233, 180, 86)  # sky blue
RIGHT: Colour = (0, 159, 230)  # orange
MIDDLE: Colour = (115, 158, 0)  # bluish green
INK: Colour = (24, 24, 24)
PAPER: Colour = (245, 245, 245)

_SOLID = (JointState.MEASURED, JointState.CORRECTED)
_HOLLOW = (JointState.PREDICTED, JointState.INTERPOLATED)
_FAR_PX = 1e5
_SUBPIXEL_BITS = 4
_DASH_PX = 6.0
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_STATUS_NAMES = {TrackState.TENTATIVE: 'tentative', TrackState.LOST: 'lost'}


class _Style(NamedTuple):
    """How large things are drawn in an image of this size."""

    line: int
    radius: int
    font: float

    @classmethod
    def of(cls, image: Image) -> _Style:
        """Return the style of an image; everything grows with its longer side."""
        scale = max(image.shape[:2]) / 640.0
        return cls(max(1, round(2 * scale)), max(2, round(3 * scale)), max(0.35, 0.45 * scale))


def draw(
    image: Image, frame: PoseFrame, layout: SkeletonLayout, actions: ActionFrame | None = None,
    *, status: bool = True,
) -> Image:
    """Return a copy of ``image`` with the people of ``frame``.

    Measured joints are discs on solid bones, predicted ones rings on dashed bones, occluded ones
    (where a guess is given) dots on thin bones. Sky blue is the subject's left, orange the right.

    Args:
        image: (H, W, 3) uint8 BGR.
        frame: the people, in pixels of this image.
        layout: of the people.
        actions: what they do, where that is told.
        status: write `status_line` along the lower border.

    Raises:
        ImageError: the image is not (H, W, 3) uint8, or is empty.
        LayoutError: a person has not the layout's number of joints.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(
            f'cannot draw on an array of {image.dtype} {image.shape}; it must be uint8 (H, W, 3)')
    canvas: Image = np.array(image, order='C')
    style = _Style.of(canvas)
    for person in frame.persons:
        if len(person.keypoints) != len(layout):
            raise LayoutError(
                f'a person has {len(person.keypoints)} joints; layout {layout.id} has '
                f'{len(layout)}')
        _draw_box(canvas, person, style)
        _draw_bones(canvas, person, layout, style)
        _draw_joints(canvas, person, layout, style)
    if actions is not None:
        _draw_actions(canvas, frame, actions, style)
    if status:
        _draw_status(canvas, status_line(frame), style)
    return canvas


def action_line(action: Action) -> str:
    """Return one line that says what somebody does, or why that is not known."""
    if action.reason or not 0 <= action.top_index < len(action.probabilities):
        return f'{UNKNOWN_LABEL}: {action.reason}' if action.reason else UNKNOWN_LABEL
    return f'{action.top_label} {action.probabilities[action.top_index]:.2f}'


def status_line(frame: PoseFrame) -> str:
    """Return one line that says what is known of the frame, and how long it took."""
    people = sum(person.track_state != TrackState.LOST for person in frame.persons)
    parts = [frame.stage or 'pose', f'#{frame.frame_seq}', frame.status.name, f'{people} seen']
    if len(frame.persons) > people:
        parts.append(f'{len(frame.persons) - people} lost')
    total_ms = frame.preprocess_ms + frame.inference_ms + frame.postprocess_ms
    if total_ms > 0.0:
        parts.append(f'{total_ms:.1f} ms')
    delay_ms = max((person.delay_ms for person in frame.persons), default=0.0)
    if delay_ms > 0.0:
        parts.append(f'delay {delay_ms:.0f} ms')
    if frame.skipped_before:
        parts.append(f'{frame.skipped_before} skipped')
    return '  '.join(parts)


@lru_cache(maxsize=16)
def _colours(layout: SkeletonLayout) -> tuple[Colour, ...]:
    """Return each joint's colour by its side."""
    sides = {joint: colour for pair in layout.mirror_pairs
             for joint, colour in zip(pair, (LEFT, RIGHT), strict=True)}
    return tuple(sides.get(joint, MIDDLE) for joint in range(len(layout)))


def _drawable(points: Floats) -> list[bool]:
    """Say which of (K, 2) points have a place that can be drawn."""
    return [abs(x) < _FAR_PX and abs(y) < _FAR_PX for x, y in points.tolist()]


def _fixed(points: Floats) -> list[list[int]]:
    """Return (K, 2) points in OpenCV's fixed-point coordinates."""
    known = np.where(np.abs(points) < _FAR_PX, points, 0.0)
    fixed: list[list[int]] = np.rint(known * 2 ** _SUBPIXEL_BITS).astype(np.int32).tolist()
    return fixed


def _faint(colour: Colour) -> Colour:
    """Return a greyed colour, for what is only guessed."""
    blue, green, red = ((channel + 128) // 2 for channel in colour)
    return blue, green, red


def _draw_bones(
    canvas: Image, person: PersonPose, layout: SkeletonLayout, style: _Style,
) -> None:
    """Draw each bone in the manner of its less certain end, faint ones first."""
    drawable, points = _drawable(person.keypoints), _fixed(person.keypoints)
    states, colours = person.keypoint_states.tolist(), _colours(layout)
    for first, second in layout.edges:
        if not (drawable[first] and drawable[second]):
            continue
        ends = (states[first], states[second])
        colour = colours[first] if colours[first] == colours[second] else MIDDLE
        start, end = points[first], points[second]
        if all(state in _SOLID for state in ends):
            cv2.line(canvas, start, end, INK, style.line + 2, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.line(canvas, start, end, colour, style.line, cv2.LINE_AA, _SUBPIXEL_BITS)
        elif all(state in _SOLID or state in _HOLLOW for state in ends):
            dashes = _dashes(start, end, _DASH_PX * style.line / 2)
            cv2.polylines(
                canvas, dashes, False, colour, style.line, cv2.LINE_AA, _SUBPIXEL_BITS)
        else:
            cv2.line(canvas, start, end, _faint(colour), 1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dashes(start: list[int], end: list[int], dash_px: float) -> list[NDArray[np.int32]]:
    """Return the dashes of a line, each (2, 2), in fixed-point coordinates."""
    begin, vector = np.array(start, float), np.subtract(end, start)
    count = int(np.hypot(*vector) / 2 ** _SUBPIXEL_BITS / dash_px)
    count = min(max(count | 1, 1), 401)
    marks = np.linspace(0.0, 1.0, count + 1)
    # Round ends make dashes longer than they are.
    ends = np.stack((marks[:-1:2], 0.3 * marks[:-1:2] + 0.7 * marks[1::2]), axis=1)
    return list(np.rint(begin + ends[..., None] * vector).astype(np.int32))


def _draw_joints(
    canvas: Image, person: PersonPose, layout: SkeletonLayout, style: _Style,
) -> None:
    points, colours = _fixed(person.keypoints), _colours(layout)
    states = person.keypoint_states.tolist()
    unit = 2 ** _SUBPIXEL_BITS
    for joint, drawable in enumerate(_drawable(person.keypoints)):
        if not drawable:
            continue
        centre, colour, state = points[joint], colours[joint], states[joint]
        if state in _SOLID:
            cv2.circle(
                canvas, centre, (style.radius + 1) * unit, INK, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.circle(
                canvas, centre, style.radius * unit, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        elif state in _HOLLOW:
            cv2.circle(
                canvas, centre, (style.radius + 1) * unit, colour, max(1, style.line // 2),
                cv2.LINE_AA, _SUBPIXEL_BITS)
        else:
            cv2.circle(
                canvas, centre, unit * style.radius // 2, _faint(colour), -1, cv2.LINE_AA,
                _SUBPIXEL_BITS)


def _draw_box(canvas: Image, person: PersonPose, style: _Style) -> None:
    box = person.box
    if not (np.abs(box) < _FAR_PX).all():
        return
    left, top, right, bottom = np.rint(box).astype(int).tolist()
    lost = person.track_state == TrackState.LOST
    cv2.rectangle(canvas, (left, top), (right, bottom), INK, 3)
    cv2.rectangle(canvas, (left, top), (right, bottom), _faint(PAPER) if lost else PAPER, 1)
    label = [] if person.track_id < 0 else [f'id {person.track_id}']
    label.append(_STATUS_NAMES.get(person.track_state, '') if lost else f'{person.score:.2f}')
    _write(canvas, ' '.join(label), (left + 2, max(top - 4, 0)), style)


def _draw_actions(
    canvas: Image, frame: PoseFrame, actions: ActionFrame, style: _Style,
) -> None:
    """Write each person's action into the upper left corner of the box."""
    boxes = {person.track_id: person.box for person in frame.persons}
    for action in actions.actions:
        box = boxes.get(action.track_id)
        if action.track_id >= 0 and box is not None and (np.abs(box) < _FAR_PX).all():
            left, top = np.rint(box[:2]).astype(int).tolist()
            _write(canvas, action_line(action), (left + 4, top + round(40 * style.font)), style)


def _draw_status(canvas: Image, text: str, style: _Style) -> None:
    """Write the status on a dark strip along the lower border."""
    height = round(style.font * 36)
    strip = canvas[-height:]
    np.right_shift(strip, 2, out=strip)
    _write(canvas, text, (6, canvas.shape[0] - height // 3), style)


def _write(canvas: Image, text: str, origin: tuple[int, int], style: _Style) -> None:
    for colour, thickness in ((INK, 3), (PAPER, 1)):
        cv2.putText(canvas, text, origin, _FONT, style.font, colour, thickness, cv2.LINE_AA)
