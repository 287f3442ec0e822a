"""Reading pages of reports: what is on them, and how a browser shows them."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {'meta', 'img', 'br', 'link', 'input'}


class Page(HTMLParser):
    """What is on a page; fails where a tag is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str]] = []
        self.captions = 0
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [values['id']] if 'id' in values else []
        self.links += [values['href']] if 'href' in values else []
        self.images += [values] if tag == 'img' else []
        self.captions += tag == 'figcaption'

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data.strip())


def look_at(html: str, folder: Path, title: str, anchor: str) -> None:
    """Show a page in Chromium, wide and narrow: pictures, width, contents, nothing from outside.

    Args:
        title: an entry of the contents, which leads to the section ``anchor``.
    """
    browsers = pytest.importorskip('playwright.sync_api', reason='needs playwright')
    program = shutil.which('chromium') or shutil.which('google-chrome')
    if program is None:
        pytest.skip('needs Chromium')
    path = folder / 'report.html'
    path.write_text(html, 'utf-8')
    with browsers.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=['--no-sandbox'])
        try:
            for width in (1400, 420):
                view = browser.new_page(viewport={'width': width, 'height': 900})
                problems: list[str] = []
                view.on('console', lambda message, kept=problems: kept.append(message.text))
                view.on('request', lambda request, kept=problems: kept.append(request.url)
                        if not request.url.startswith(('file:', 'data:')) else None)
                view.goto(path.as_uri())
                assert view.evaluate(
                    '[...document.images].every(i => i.complete && i.naturalWidth > 200)')
                overflow = view.evaluate(
                    'document.documentElement.scrollWidth - document.documentElement.clientWidth')
                assert overflow <= 0
                view.click(f'text={title}')
                view.wait_for_function(
                    f'document.getElementById("{anchor}").getBoundingClientRect().top < 900')
                assert problems == []
        finally:
            browser.close()
