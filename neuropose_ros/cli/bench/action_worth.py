"""What the answers of the recognisers are worth on a test part."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from neuropose_ros.action.recogniser import load_recogniser
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.learning.boundaries import Onsets, onsets
from neuropose_ros.learning.claims import Claims, Variant, mean, measure, train, variants
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.evaluation import ask, labels_of
from neuropose_ros.learning.joining import join_clips
from neuropose_ros.learning.metrics import calibration, top1_accuracy
from neuropose_ros.learning.provision import further_poses, provide
from neuropose_ros.learning.recipe import read_recipe
from neuropose_ros.learning.training.recognition import predictor
from neuropose_ros.learning.watching import stage_recognise
from neuropose_ros.learning.weights import check_fits
from neuropose_ros.learning.weights import load_recogniser as load_weights


def worth(args: argparse.Namespace, streaming: Path | None) -> dict[str, Any]:
    """Train, ask, print what is behind the figures, and return them.

    Args:
        streaming: folder of the streaming recogniser; None = there is none.
    """
    recipe, data = read_recipe(args.recipe), Path(args.data)
    split, findings = provide(recipe.data, data, args.split, workers=args.workers)
    if len(findings):
        print(findings.report())
    sources = further_poses(recipe.pretraining.sources, data) if recipe.pretraining.epochs else ()
    todo = variants(recipe, split, args.seeds)
    with _Bar(todo) as bar:
        train(todo, args.out, sources=sources, workers=args.workers, resume=args.resume,
              watch=bar.show)
    claims = measure(todo, args.out)
    print(f'whole clips, {split.protocol}, {args.seeds} seeds: top-1 {_spread(claims.top1)}, '
          f'ECE {_spread(claims.ece)}, lost at 40 % missing {_spread(claims.missing40_loss)}, '
          f'saved by completion {_spread(claims.completion_gain)}')
    values = _of_claims(claims)
    if streaming is None:
        print('no streaming recogniser: neither its drop nor its onsets can be measured')
        return values
    return values | _of_stream(streaming, split.test, mean(claims.top1))


def _of_claims(claims: Claims) -> dict[str, Any]:
    return {'ece': mean(claims.ece), 'unknown_auroc': claims.auroc,
            'missing40_loss': mean(claims.missing40_loss),
            'completion_gain': mean(claims.completion_gain), 'whole_top1': mean(claims.top1)}


def _of_stream(folder: Path, test: ClipSet, whole_top1: float) -> dict[str, Any]:
    trained = load_weights(folder)
    check_fits(trained, test, folder)
    answers = ask(predictor(trained.network, trained.recipe.sampling), test)
    labels = labels_of(test)
    top1 = top1_accuracy(answers.probabilities, labels)
    ece = calibration(answers.probabilities, labels).ece
    stage = ActionStage(load_recogniser(folder, announce=lambda _: None))
    found: Onsets = onsets(join_clips(test), stage_recognise(stage))
    stage.close()
    print(f'streaming: top-1 {top1:.4f}, ECE {ece:.4f}; {len(found.matches)} boundaries: '
          f'precision {found.precision.value:.3f}, recall {found.recall.value:.3f}, median error '
          f'{found.median_error_s.value:.3f} s (as many onsets at random times: '
          f'{found.chance.median_error_s:.3f} s)')
    return {
        'causal_top1': top1, 'causal_ece': ece, 'causal_top1_drop': whole_top1 - top1,
        'onset_median_s': found.median_error_s.value, 'onset_boundaries': len(found.matches),
        'onset_precision': found.precision.value, 'onset_recall': found.recall.value}


def _spread(values: tuple[float, ...]) -> str:
    return f'{mean(values):.4f} ({min(values):.4f} to {max(values):.4f})'


class _Bar:
    """A bar over the trainings of all variants."""

    def __init__(self, todo: list[Variant]) -> None:
        self._shares = {variant.title(job): 0.0 for variant in todo for job in variant.jobs}
        self._bar = tqdm(total=len(self._shares), desc='trainings', unit='training',
                         bar_format='{desc}: {percentage:3.0f}% |{bar}| {elapsed} < {remaining}')

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, name: str, share: float) -> None:
        before = self._shares[name]
        if share > before:
            self._shares[name] = share
            self._bar.update(share - before)
