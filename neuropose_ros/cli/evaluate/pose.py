"""Measure a pose model on labelled pictures and write an HTML report with plots and pictures.

COCO AP, AR and OKS, PCK, PCKh, MPJPE where metres are known; joint by joint, with intervals over
recordings; whether scores mean what they say, time and memory, the worst and the best pictures.
Any model of `neuropose models list`, or your own: an entry in your list, or in --models FILE.

--data is a folder or a JSON file of COCO's form (COCO itself, CVAT, Label Studio), MPII, J-HMDB,
or synthetic:SCENE?seconds=4 for a rendered subject whose joints are known.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from neuropose_ros.cli.learning_options import add_settings_arguments, read_settings
from neuropose_ros.inference.carried import with_data
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.pose_evaluation.assessment import PoseReport, assess_pose, figures
from neuropose_ros.learning.pose_evaluation.data import (
    Labelled,
    PoseData,
    forms,
    open_pose_data,
    open_training_part,
)
from neuropose_ros.learning.pose_evaluation.models import create_asker
from neuropose_ros.learning.pose_evaluation.page import write_pose_report
from neuropose_ros.learning.pose_evaluation.settings import PoseEvaluationSettings

_COMMAND = 'evaluate_pose'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--model', required=True, metavar='ID', help='of the list of models')
    parser.add_argument('--data', required=True, metavar='DATA',
                        help='folder or file with the pictures, or synthetic:SCENE?seconds=4')
    parser.add_argument('--form', choices=forms(), default='',
                        help='of the data; default: told by its files')
    parser.add_argument('--detector', default='', metavar='ID',
                        help='finds the people; default: the annotated boxes are told to models '
                             'that read boxes')
    parser.add_argument('--models', type=Path, metavar='FILE',
                        help='a list of models of your own, beside the usual ones')
    add_settings_arguments(parser, _COMMAND)
    parser.add_argument('--out', type=Path, default=Path('runs/evaluate_pose/report.html'),
                        help='the report; default: %(default)s')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures, write the report and the figures beside it."""
    settings = read_settings(PoseEvaluationSettings, args, _COMMAND)
    report = _measure(args, settings)
    write_pose_report(report, args.out)
    values = figures(report)
    written = args.out.with_suffix('.json')
    written.write_text(json.dumps(values, indent=1) + '\n', 'utf-8')
    if report.findings:
        findings = Findings()
        for item in report.findings:
            findings.skip(item.name, item.problem)
        print(findings.report())
    for name, value in values.items():
        if isinstance(value, (float, int, str)):
            print(f'{name:20} {value:.4g}' if isinstance(value, float) else f'{name:20} {value}')
    print(f'{args.out} is the report, {written.name} has the figures')
    if args.json:
        print(json.dumps(values))
    return 0


def _measure(args: argparse.Namespace, settings: PoseEvaluationSettings) -> PoseReport:
    findings = Findings()
    data = open_pose_data(args.data, args.form, settings.part, findings,
                          most=settings.most_pictures, empty=True)
    training = _training_part(args, settings) if settings.offsets else None
    registry = with_data(load_registry(), Path(args.data))
    if args.models is not None:
        registry |= load_registry(args.models)
    asker = create_asker(
        args.model, settings.regions, detector=args.detector, runtime=settings.runtime,
        precision=settings.precision, threads=settings.threads, registry=registry)
    try:
        with tqdm(total=data.count, desc=f'{args.model} on {data.name}', unit='picture') as bar:
            return assess_pose(
                asker, data, settings, findings=findings, training=training,
                watch=lambda count: bar.update(count - bar.n))
    finally:
        asker.close()


def _training_part(args: argparse.Namespace, settings: PoseEvaluationSettings) -> PoseData:
    data = open_training_part(args.data, args.form, settings.offset_pictures)

    def load(findings: Findings) -> Iterator[Labelled]:
        return iter(tqdm(data.load(findings), total=data.count, desc='offsets', unit='picture'))

    return replace(data, load=load)
