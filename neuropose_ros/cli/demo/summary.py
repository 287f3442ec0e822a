"""The summary: a table for people, one object for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuropose_ros.cli.demo.scoring import SceneScore, Score

_MOST = 3
_STAGES = {
    'receive': 'camera to pose node',
    'preprocess': 'pose: preprocess',
    'inference': 'pose: inference',
    'postprocess': 'pose: postprocess',
    'refinement': 'refinement',
    'end_to_end': 'acquisition to arrival here',
}


def to_json(score: Score, first_frame_s: float, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the object of ``--json``; null is unknown."""
    accuracy = score.accuracy
    return {
        'frames': score.frames,
        'fps': _rounded(score.fps, 2),
        'dropped': score.dropped,
        'pck@0.1': None if accuracy is None else _rounded(accuracy.pck, 4),
        'mean_error_pct': None if accuracy is None else _rounded(accuracy.mean_error_pct, 3),
        'cadence_error_pct': _rounded(score.cadence_error_pct, 2),
        'latency_ms': {
            stage: {'p50': _rounded(p50, 3), 'p99': _rounded(p99, 3)}
            for stage, (p50, p99) in score.latencies_ms.items()},
        'first_frame_s': _rounded(first_frame_s, 2),
        'scenes': [_scene_json(scene) for scene in score.scenes],
        'files': {kind: str(path) for kind, path in files.items()},
    }


def _scene_json(scene: SceneScore) -> dict[str, Any]:
    accuracy, found = scene.accuracy, scene.cadence
    return {
        'scene': scene.scene,
        'frames': scene.frames,
        'dropped': scene.dropped,
        'pck@0.1': None if accuracy is None else _rounded(accuracy.pck, 4),
        'mean_error_pct': None if accuracy is None else _rounded(accuracy.mean_error_pct, 3),
        'cadence_steps_per_min':
            _rounded(found.steps_per_min, 2) if found is not None and found.valid else None,
        'true_cadence_steps_per_min': _rounded(scene.true_steps_per_min, 2),
        'cadence_error_pct': _rounded(scene.cadence_error_pct, 2),
        'cadence_reason': found.reason if found is not None else 'nobody was tracked',
        'actions': {label: _rounded(share, 3) for label, share in scene.actions.items()},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def table(score: Score, files: Mapping[str, Path], notes: Sequence[str]) -> str:
    """Return the summary for people."""
    accuracy = score.accuracy
    lines = [f'frames {score.frames}, dropped {score.dropped}, {score.fps:.2f} answers per s', '']
    lines += _aligned(
        ('latency [ms]', 'p50', 'p99'),
        [(_STAGES[stage], f'{p50:.1f}', f'{p99:.1f}')
         for stage, (p50, p99) in score.latencies_ms.items()])
    lines += ['', *_aligned(
        ('scene', 'frames', 'dropped', 'PCK@0.1', 'mean error', 'steps/min', 'true', 'error'),
        [_scene_row(scene) for scene in score.scenes])]
    if accuracy is not None:
        lines += ['', f'PCK@0.1 of the box {accuracy.pck:.4f}, mean error '
                      f'{accuracy.mean_error_pct:.2f} % of the box, worst cadence error '
                      f'{_percent(score.cadence_error_pct)}']
    lines += [f'{scene.scene}: no cadence: {scene.cadence.reason}' for scene in score.scenes
              if scene.cadence is not None and not scene.cadence.valid]
    lines += [f'{scene.scene}: actions told: {_most(scene.actions)}' for scene in score.scenes
              if scene.actions]
    lines += ['', *(f'{kind:6} {path}' for kind, path in files.items()), *notes]
    return '\n'.join(lines)


def _most(actions: Mapping[str, float]) -> str:
    """Return the most frequent answers; the rest is left to ``--json``."""
    shares = [f'{label} {100 * share:.0f} %' for label, share in actions.items()]
    return ', '.join([*shares[:_MOST], *(['...'] if len(shares) > _MOST else [])])


def _scene_row(scene: SceneScore) -> tuple[str, ...]:
    accuracy, found = scene.accuracy, scene.cadence
    measured = '-'
    if found is not None and found.valid:
        measured = f'{found.steps_per_min:.1f} ±{found.uncertainty_steps_per_min:.1f}'
    return (
        scene.scene, str(scene.frames), str(scene.dropped),
        '-' if accuracy is None else f'{accuracy.pck:.4f}',
        '-' if accuracy is None else f'{accuracy.mean_error_pct:.2f} %',
        measured,
        '-' if scene.true_steps_per_min is None else f'{scene.true_steps_per_min:.1f}',
        _percent(scene.cadence_error_pct))


def _percent(value: float | None) -> str:
    return '-' if value is None or not math.isfinite(value) else f'{value:.2f} %'


def _aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return ['  '.join([row[0].ljust(widths[0]),
                       *(cell.rjust(width)
                         for cell, width in zip(row[1:], widths[1:], strict=True))])
            for row in (head, *rows)]
