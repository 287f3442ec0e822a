"""The page: complete, self-contained, and readable by a browser."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.learning.report.write import render

from ...pages import Page, look_at

SECTIONS = ['summary', 'protocol', 'confusion', 'classes', 'calibration', 'early', 'missing',
            'unknown', 'onsets', 'cost', 'examples']
@pytest.fixture(scope='module')
def html(report) -> str:
    return render(report)


@pytest.fixture(scope='module')
def page(html) -> Page:
    return Page(html)


def test_every_section_is_there_and_in_the_contents(page):
    assert page.ids == SECTIONS
    assert page.links == [f'#{name}' for name in SECTIONS]


def test_pictures_lie_in_the_page_and_say_what_they_show(page):
    assert len(page.images) == page.captions == 9 + 4
    for image in page.images:
        kind, data = image['src'].split(',', 1)
        assert kind == 'data:image/png;base64' and len(image['alt']) > 20
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert min(pixels.shape[:2]) > 200 and pixels.std() > 5


def test_nothing_is_fetched_from_elsewhere(html):
    assert not any(word in html for word in ('http:', 'https:', '<script', '<link', 'url('))


def test_figures_come_with_their_clips_and_interval(page):
    words = [word for word in page.text if word]
    at = words.index('Top-1 accuracy')
    assert words[at + 2:at + 5] == ['87.5 %', '75.3 to 94.1 %', '48']
    at = words.index('Onset, median error')
    assert words[at + 2] == '0.20 s'


def test_names_are_escaped(html):
    assert 'toy &lt;model&gt;' in html and 'toys &amp; games' in html and '<model>' not in html


def test_what_was_not_measured_is_left_out_and_the_page_is_always_the_same(report):
    bare = replace(report, onsets=None, open_set=None, examples=(),
                   evaluation=replace(report.evaluation, missing=(), by_share=(), cost=None))
    assert Page(render(bare)).ids == ['summary', 'protocol', 'confusion', 'classes', 'calibration']
    assert render(bare) == render(bare)


def test_a_browser_shows_it(html, tmp_path: Path):
    look_at(html, tmp_path, 'What does it cost?', 'cost')
