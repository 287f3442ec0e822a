"""Measure trained weights on the test part and write an HTML report with plots.

Accuracy, classes, calibration, how early it is right, what missing joints cost, when it notices
that an action begins, whether it knows what it does not know, what it costs, and examples. The
test part is for weights whose recipe is settled; `--set part=validation` looks at the clips that
the training held back.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.cli.learning_options import add_settings_arguments, need_torch, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('weights', type=Path, help='what `neuropose train` wrote: file or folder')
    parser.add_argument('--data', type=Path, required=True, help='folder or file with the clips')
    parser.add_argument('--split', default='', help='of the data set; default: as the recipe says')
    parser.add_argument('--without', type=Path, metavar='WEIGHTS',
                        help='the same recipe trained with network.completion=false: shows what '
                             'completion gains')
    add_settings_arguments(parser, 'evaluate')
    parser.add_argument('--out', type=Path, help='the report; default: report.html beside the '
                                                 'weights')
    parser.add_argument('--cache', type=Path, help='of the poses of videos')
    parser.add_argument('--workers', type=int, default=1, help='processes that read videos')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures, write the report and the figures beside it."""
    need_torch()
    from neuropose_ros.learning.assessment import AssessmentSettings, assess, figures
    from neuropose_ros.learning.provision import provide
    from neuropose_ros.learning.report.write import write_report
    from neuropose_ros.learning.weights import check_fits, load_recogniser

    settings = read_settings(AssessmentSettings, args, 'evaluate')
    trained = load_recogniser(args.weights)
    without = None if args.without is None else load_recogniser(args.without)
    split, findings = provide(
        trained.recipe.data, args.data, args.split, cache=args.cache, workers=args.workers)
    if len(findings):
        print(findings.report())
    check_fits(trained, split.train, args.weights)
    if without is not None:
        check_fits(without, split.train, args.without)
    report = assess(trained, split, settings, name=_name(args.weights), without=without)
    folder = args.weights if args.weights.is_dir() else args.weights.parent
    out = args.out or folder / 'report.html'
    write_report(report, out)
    values = figures(report)
    out.with_suffix('.json').write_text(json.dumps(values, indent=1) + '\n', 'utf-8')
    for name, value in values.items():
        print(f'{name:18} {_words(value)}')
    print(f'{out} is the report, {out.with_suffix(".json").name} has the figures')
    if args.json:
        print(json.dumps(values))
    return 0


def _name(weights: Path) -> str:
    return (weights if weights.is_dir() else weights.parent).resolve().name


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ', '.join(f'{key}: {_words(part)}' for key, part in value.items())
    if isinstance(value, list):
        return ' to '.join(_words(part) for part in value)
    return f'{value:.4g}' if isinstance(value, float) else str(value)
