"""The card beside a recogniser: what it is, what it learnt from, how good it is, its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neuropose_ros.action.description import RecogniserDescription

_LIMITS = (
    'It knows the actions listed above and no others; what is unlike them is meant to be '
    '"unknown", which is an estimate too.',
    'It sees poses, and a scene vector where it says so: objects in the hands are invisible to '
    'it.',
    'Probabilities are calibrated on held-out clips of the data above; other cameras, views and '
    'people are another distribution.',
    'It is no medical device and no safety device: a robot that acts on it needs means of its '
    'own to stop.',
)


def model_card(
    description: RecogniserDescription, parity: Mapping[str, float], *, terms: str = '',
    figures: Mapping[str, Any] | None = None,
) -> str:
    """Return the card as Markdown.

    Args:
        description: with what it was trained on.
        parity: what -> largest difference between the trained and the exported network.
        terms: of the data, as its authors state them.
        figures: name -> value, measured on the test part.
    """
    lines = [f'# Recogniser {description.name}', '', *_facts(description), '', '## Actions', '',
             ', '.join(description.labels.labels), '', '## Data and protocol', '']
    lines += list(_table(description.training)) or ['Not stated.']
    lines += ['', f'Terms of the data: {terms or "not stated; ask whoever trained it"}.', '',
              '## Figures', '']
    lines += list(_table(figures or {})) or ['Not measured: `neuropose evaluate` does.']
    lines += ['', '## Parity of the exported networks', '', *_table(parity), '', '## Limits', '',
              *(f'- {limit}' for limit in _LIMITS), '']
    return '\n'.join(lines)


def _facts(description: RecogniserDescription) -> Iterator[str]:
    layout = description.layout
    streams = bool(description.states)
    yield (f'Recognises {len(description.labels)} actions ({description.labels.id}) from '
           f'{description.dimensions}D poses of {len(layout)} joints ({layout.id}), '
           + (f'tick by tick at {description.rate_hz:g} Hz; an answer looks back '
              f'{description.window_s:.2f} s and is about the time '
              f'{description.decision_delay_s:.2f} s before the newest frame.' if streams
              else 'of whole clips only.'))
    yield (f'Scene: {description.scene_size} values of {description.scene_model}.'
           if description.scene_size else 'Scene: none.')
    yield (f'An unknown score of {description.unknown_threshold:g} or more makes the answer '
           '"unknown".')
    yield f'Files: {", ".join(description.networks)}.'


def _table(values: Mapping[str, Any]) -> Iterator[str]:
    known = {name: value for name, value in values.items() if value != ''}
    if known:
        yield from ('| | |', '|---|---|')
    for name, value in known.items():
        text = f'{value:.4g}' if isinstance(value, float) else str(value)
        yield f'| {name.replace("_", " ")} | {text.replace("|", "/")} |'
