"""What the registry and people are told of an exported pose network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from neuropose_ros.core.layouts import BUILT_IN
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.imaging.exposure import DARK_BELOW
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.entry import ENTRY_FILE
from neuropose_ros.learning.pose_training.calibration import RIGHT_WITHIN, ScoreCurve
from neuropose_ros.learning.pose_training.task import LIMITS, MEAN, STD
from neuropose_ros.learning.pose_training.variants import Variant, int8_worth
from neuropose_ros.learning.pose_training.weights import TrainedPose

__all__ = [
    'CARD_FILE', 'ENTRY_FILE', 'LEAST_CHANCE', 'LEAST_JOINT_SCORE', 'layout_table', 'write_card',
    'write_entries']

CARD_FILE = 'MODEL_CARD.md'
LEAST_JOINT_SCORE, LEAST_CHANCE = 0.3, 0.5
"""Of a joint that is seen: the share of the probability that lies near the answer, see
`PoseNetwork.closeness`; and where scores are chances, one that is more likely right than wrong. On
J-HMDB both drew the line at about the same joints."""
_LIMITS = (
    'It finds joints in boxes that a person detector gives; where nobody is, it finds joints too, '
    'with low scores.',
    'It knows people, clothes, cameras and light like those it learnt from: measure it on '
    'pictures of your own with `neuropose evaluate pose`.',
    'Joints mean what the annotations say: those of two data sets differ by centimetres.',
    'It is no medical device and no safety device.',
)


def write_entries(
    trained: TrainedPose, folder: Path, name: str, title: str, licence: str,
    files: Sequence[str], curve: ScoreCurve,
) -> None:
    """Write the list of models that `neuropose deploy` puts into the user's own.

    float32 has the name itself; ``-fp16`` and ``-int8`` are the others. Dark pictures are
    brightened for networks that learnt with some: they know the noise that comes up.
    """
    options = {'padding': trained.recipe.data.padding,
               'least_joint_score': LEAST_CHANCE if curve.joints else LEAST_JOINT_SCORE}
    if trained.recipe.augmentation.dark > 0:
        options['dark_below'] = DARK_BELOW
    entries = {}
    for file in files:
        suffix = Path(file).stem.partition('_')[2]
        path = folder / file
        entries[f'{name}-{suffix}' if suffix else name] = {
            'path': file, 'sha256': file_sha256(path),
            'title': (title or _title(trained)) + (f', {suffix}' if suffix else ''),
            'licence': licence, 'decoder': 'simcc',
            'input': {'width': trained.network.config.width_px,
                      'height': trained.network.config.height_px,
                      'mean': list(MEAN), 'std': list(STD)},
            'layout': layout_table(trained.layout), 'outputs': ['simcc_x', 'simcc_y'],
            'options': dict(options),
            'megabytes': round(path.stat().st_size / 1e6, 1),
            'notes': f'terms of the pictures: {trained.trained_on.get("terms") or "not stated"}'}
    (folder / ENTRY_FILE).write_text(
        yaml.safe_dump(entries, sort_keys=False, allow_unicode=True), 'utf-8')


def _title(trained: TrainedPose) -> str:
    return (f'top-down network of {trained.trained_on.get("parameters", 0) / 1e6:.1f} M weights, '
            f'{len(trained.layout)} joints, learnt from {trained.trained_on.get("pictures")}')


def layout_table(layout: SkeletonLayout) -> str | dict[str, Any]:
    """Return a layout as an entry of a list of models has it."""
    if BUILT_IN.get(layout.name) == layout:
        return layout.name
    names = layout.names
    return {'name': layout.name, 'joints': list(names),
            'bones': [[names[a], names[b]] for a, b in layout.edges],
            'mirror': [[names[a], names[b]] for a, b in layout.mirror_pairs]}


def write_card(
    trained: TrainedPose, folder: Path, name: str, licence: str, variants: Sequence[Variant],
    curve: ScoreCurve, held_back: bool,
) -> None:
    """Write the card, Markdown for people."""
    config, facts = trained.network.config, trained.trained_on
    worth = int8_worth(variants)
    lines = [
        f'# Pose model {name}', '',
        f'Finds {len(trained.layout)} joints ({trained.layout.id}) of one person in a crop of '
        f'{config.width_px}x{config.height_px} px around a box (padding '
        f'{trained.recipe.data.padding:g}), by SimCC at {config.bins_per_px} bins per px.', '',
        f'Licence: {licence}. Terms of the pictures: {facts.get("terms") or "not stated"}.', '',
        '## Learnt from', '', '| | |', '|---|---|', *_facts(facts), '', '## Files', '',
        '| file | MB | differs by | PCK@0.1 | PCK@0.2 | ECE | ms, one thread |',
        '|---|---|---|---|---|---|---|', *map(_row, variants), '',
        'PCK: share of joints within that share of the diagonal of the box around the joints, '
        'ECE: calibration error of the scores, see below; '
        + ('on people held back from training.' if held_back else
           'on people it was trained on: no measure of how good it is.'),
        *([] if worth is None else ['', f'{worth}.']), '', '## Scores', '', _scores(curve), '',
        '## Limits', '', *(f'- {limit}' for limit in _LIMITS), '']
    (folder / CARD_FILE).write_text('\n'.join(lines), 'utf-8')


def _facts(facts: Mapping[str, Any]) -> Iterator[str]:
    for key, value in facts.items():
        if key in ('terms', 'validation') or value == '':
            continue
        yield f'| {key.replace("_", " ")} | {str(value).replace("|", "/")} |'
    for key, value in facts.get('validation', {}).items():
        yield f'| validation {key} | {value:.3f} |'


def _scores(curve: ScoreCurve) -> str:
    if not curve.joints:
        return ('A score is the share of the probability that lies near the answer: it ranks '
                'joints, it is no chance of being right.')
    return (f'A score is the chance that the joint is within {RIGHT_WITHIN:g} of the diagonal of '
            f'the box around the joints, fitted on {curve.joints} joints of people held back. '
            f'Expected calibration error, each half of them judged by the other: {curve.ece:.3f} '
            f'({curve.ece_before:.3f} before). On other people and cameras it is larger.')


def _row(variant: Variant) -> str:
    pck = [f'{variant.pck[limit]:.3f}' if limit in variant.pck else '' for limit in LIMITS]
    ece = f'{variant.ece:.3f}' if np.isfinite(variant.ece) else ''
    return (f'| {variant.file} | {variant.megabytes:.1f} | {variant.parity:.2g} | '
            f'{" | ".join(pck)} | {ece} | {variant.ms:.1f} |')
