"""The page: complete, self-contained, honest about what was not measured."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.findings import Finding
from neuropose_ros.learning.metrics import Estimate
from neuropose_ros.learning.pose_evaluation.assessment import PoseReport, assess_pose
from neuropose_ros.learning.pose_evaluation.average_precision import AveragePrecision
from neuropose_ros.learning.pose_evaluation.data import open_pose_data
from neuropose_ros.learning.pose_evaluation.models import create_asker
from neuropose_ros.learning.pose_evaluation.page import render, write_pose_report
from neuropose_ros.learning.pose_evaluation.settings import PoseEvaluationSettings

from ...pages import Page
from .spot_set import annotation, write_network, write_spots


@pytest.fixture(scope='module')
def report(tmp_path_factory) -> PoseReport:
    root = tmp_path_factory.mktemp('page')
    people = [annotation(1, 1), annotation(2, 1, shift=(0, 7.2)), annotation(3, 2),
              annotation(4, 3)]
    people[2]['keypoints'][2] = 1  # hidden
    data = open_pose_data(f'{write_spots(root / "set", people, 3)}')
    asker = create_asker('spots', registry=load_registry(write_network(root)),
                         announce=lambda _sentence: None)
    return assess_pose(asker, data, PoseEvaluationSettings(ap=False, examples=1))


@pytest.fixture(scope='module')
def full(report) -> PoseReport:
    error = Estimate(0.0823, 0.07, 0.09, 4)
    return replace(
        report, ap=AveragePrecision(4, 5, *np.linspace(0.1, 0.9, 9), float('nan')),
        mpjpe=dict.fromkeys(('mpjpe_m', 'n_mpjpe_m', 'pa_mpjpe_m'), error),
        pckh=Estimate(0.5, 0.4, 0.6, 4), as_found=report.pck, offsets=np.zeros((3, 2)),
        findings=tuple(Finding(f'{n}.png', 'torn <in> two') for n in range(50)))


@pytest.fixture(scope='module')
def html(report) -> str:
    return render(report)


@pytest.fixture(scope='module')
def full_html(full) -> str:
    return render(full)


def test_what_was_measured_is_there_and_in_the_contents(html, full_html):
    always = ['summary', 'protocol', 'distances', 'joints', 'calibration', 'cost', 'examples']
    assert Page(html).ids == always
    assert Page(full_html).ids == [
        *always[:4], 'precision', 'metres', *always[4:], 'left-out']


def test_figures_stand_on_the_page(html, full_html):
    for said in ('PCK@0.05', '75.0 %', 'PCKh@0.5', '82.3 mm', 'PA-MPJPE', 'COCO AP', '0.100',
                 'PCK@0.1 as found', 'of which 10 are not',
                 'torn &lt;in&gt; two', '1 of them hidden'):
        assert said in full_html, said
    assert 'PCKh' not in html


def test_pictures_lie_in_the_page_and_nothing_is_fetched(html):
    pictures = html.split('data:image/png;base64,')[1:]
    assert len(pictures) == 6
    for picture in pictures:
        content = base64.b64decode(picture.split('"')[0])
        assert cv2.imdecode(np.frombuffer(content, np.uint8), 1) is not None
    assert 'http' not in html


def test_the_page_is_written_with_its_folder(report, tmp_path):
    path = tmp_path / 'new' / 'report.html'
    write_pose_report(report, path)
    assert path.read_text('utf-8').startswith('<!DOCTYPE html>')
