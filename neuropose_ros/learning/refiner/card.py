"""What people should know of a refiner before they use it."""

from __future__ import annotations

from neuropose_ros.learning.datasets import cmu_mocap, jhmdb
from neuropose_ros.refinement.description import RefinerDescription

_LIMITS = """\
- Joints that it says nothing of (eyes, ears, hands, feet) are left to the filter around it.
- It learnt the errors of the detectors named above. Others are taken by their stated noise alone:
  an answer is never further from a measurement than five of its standard deviations.
- Hidden joints are where bodies like those it has seen would have them. They are PREDICTED, never
  MEASURED, and their ellipses say how unsure that is.
- It learnt everyday movement of adults in short clips: other bodies and aids are another
  distribution. It is no medical device and no safety device."""


def refiner_card(description: RefinerDescription) -> str:
    """Return the card of a refiner as Markdown."""
    training = description.training
    held_out = ''.join(f'| {name} | {value:.4f} |\n'
                       for name, value in training.get('held_out', {}).items())
    spread = ', '.join(f'{seen:.2f} (seen) and {hidden:.2f} (hidden)'
                       for seen, hidden in description.spread.values())
    return f"""# Refiner {description.name}

Turns what a detector finds of a person, frame by frame, into better evidence: where joints are,
and how unsure that is. Causal, for any number of people, at 10 to 120 frames per second.
It reads {len(description.joints)} joints by name and speaks of: {', '.join(description.told)}.
Detectors whose noise is learnt: {', '.join(description.noise) or 'none'}.

## Data

{training.get('clips', 0)} clips of the training part of a split of J-HMDB (detections beside true
joints, and true joints alone), {training.get('mocap_pieces', 0)} pieces of motion capture.
Terms: {jhmdb.SOURCE}; {cmu_mocap.SOURCE}.

## On the clips that were held out from training, by the network alone

| measure | |
|---|---|
{held_out}
PCK and acceleration on real detections in the definition of the truth; masked: mean error of
joints hidden in bursts, in boxes. Standard deviations are multiplied by {spread}, so that ellipses
of 90 % hold 90 % there.

## Limits

{_LIMITS}
"""
