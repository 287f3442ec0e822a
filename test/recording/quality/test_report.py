"""The report of a session: complete, self-contained, anonymous, and shown by a browser."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.recording import open_session
from neuropose_ros.recording.quality.report import session_report

from ...pages import Page, look_at
from .sessions import SUBJECT, write_empty, write_faulty, write_replay

SECTIONS = ['summary', 'rate', 'losses', 'joints', 'latency', 'tracks', 'clocks', 'innovation',
            'skeletons']


def made(path) -> tuple[str, dict]:
    with open_session(path) as session:
        return session_report(session)


@pytest.fixture(scope='module')
def html(tmp_path_factory) -> str:
    return made(write_faulty(tmp_path_factory.mktemp('faulty') / 'walk'))[0]


@pytest.fixture(scope='module')
def page(html) -> Page:
    return Page(html)


def row_of(page: Page, name: str) -> list[str]:
    words = [word for word in page.text if word]
    return words[words.index(name):][:10]


def test_every_section_is_there_and_in_the_contents(page):
    assert page.ids == SECTIONS and page.links == [f'#{name}' for name in SECTIONS]


def test_pictures_lie_in_the_page_and_say_what_they_show(page):
    assert len(page.images) == page.captions == 8
    for image in page.images:
        kind, data = image['src'].split(',', 1)
        assert kind == 'data:image/png;base64' and len(image['alt']) > 20
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert min(pixels.shape[:2]) > 200 and pixels.std() > 5


def test_figures_are_those_of_the_session(page):
    assert row_of(page, 'Frames')[1] == '116 at 30.00 Hz, 4 missing'
    assert row_of(page, 'numbers missing')[1] == '4'
    assert row_of(page, 'longest interval')[1] == '166.7 ms'
    assert row_of(page, 'poses')[1:9] == [
        '116', '4', '12', '10', '0', '30.0 ms', '800.0 ms', '6.0 %']
    assert row_of(page, 'left_wrist')[1] == '75.5 %'
    assert row_of(page, 'inference')[1:4] == ['25.00 ms', '29.00 ms', '29.00 ms']
    assert row_of(page, 'tracks per person at a time')[1] == '2.00'
    assert row_of(page, 'eeg')[1:6] == ['160', '70', '500.000 ms', '1.100 ms', '1.000 ms']
    assert 'the disk was slow' in page.text


def test_it_names_nobody_and_fetches_nothing(html):
    assert SUBJECT.pseudonym not in html and SUBJECT.key_id not in html
    assert not any(word in html for word in ('http:', 'https:', '<script', '<link', 'url('))
    assert 'walk &lt;10 m&gt;' in html


def test_the_sheet_shows_skeletons_on_empty_paper(page):
    data = page.images[-1]['src'].split(',', 1)[1]
    sheet = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert sheet.shape[1] == 4 * 324
    assert (sheet.min(-1) > 240).mean() > 0.7


def test_an_empty_session_has_a_page_that_says_so(tmp_path):
    html, values = made(write_empty(tmp_path / 'empty'))
    page = Page(html)
    assert page.ids == SECTIONS and not page.images
    assert values['frames'] == 0 and values['rate_hz'] is None
    assert 'Nothing was recorded' in page.text


def test_a_replay_has_no_delays(tmp_path):
    html, _ = made(write_replay(tmp_path / 'replay'))
    assert 'Nothing here was recorded live' in html
    assert 'No stage told what it took' in html and 'No stage told its innovations' in html


def test_a_recording_that_was_torn_says_so(tmp_path):
    path = write_faulty(tmp_path / 'walk')
    import sqlite3

    with sqlite3.connect(path / 'session.sqlite') as connection:
        connection.execute("UPDATE session SET value = '\"open\"' WHERE name = 'state'")
    assert 'The recording ended unexpectedly' in made(path)[0]


def test_a_browser_shows_it(html, tmp_path):
    look_at(html, tmp_path, 'Did people keep their identities?', 'tracks')
