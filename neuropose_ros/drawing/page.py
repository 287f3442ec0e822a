"""HTML of one self-contained page: sections with tables, figures and a table of contents."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from neuropose_ros.core.errors import DataError

_STYLE = """
:root { --ink: #1d1d1f; --quiet: #5f6368; --line: #d9dce1; --accent: #005a8f; --wash: #f6f7f9; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; color: var(--ink); background: white;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.sheet { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 2.5rem;
  max-width: 82rem; margin: 0 auto; padding: 2rem; }
header { grid-column: 1 / -1; border-bottom: 2px solid var(--ink); padding-bottom: 1rem; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin: 0 0 .6rem; }
header p { margin: 0; color: var(--quiet); }
nav { position: sticky; top: 1.5rem; align-self: start; font-size: .92rem; }
nav ol { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); }
nav a { display: block; padding: .22rem .8rem; color: var(--accent); text-decoration: none; }
nav a:hover, nav a:focus { background: var(--wash); text-decoration: underline; }
section { margin-bottom: 2.8rem; scroll-margin-top: 1rem; }
p { max-width: 46rem; margin: 0 0 .8rem; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); padding-bottom: .4rem; }
th, td { padding: .28rem .8rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { border-bottom: 2px solid var(--ink); }
.number { text-align: right; white-space: nowrap; }
tbody tr:hover { background: var(--wash); }
figure { margin: 1rem 0 1.4rem; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--quiet); font-size: .9rem; max-width: 46rem; margin-top: .4rem; }
.note { border-left: 4px solid #d55e00; background: var(--wash); padding: .6rem 1rem;
  max-width: 46rem; }
footer { grid-column: 1 / -1; color: var(--quiet); font-size: .85rem;
  border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 60rem) { .sheet { display: block; padding: 1rem; }
  nav { position: static; margin: 1rem 0 2rem; } }
@media print { nav { display: none; } .sheet { display: block; } section { break-inside: auto; }
  figure, tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: its id in the page.
        body: HTML, already escaped where it needs to be.
    """

    anchor: str
    title: str
    body: str


def page(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> str:
    """Return the HTML of a whole page."""
    contents = ''.join(f'<li><a href="#{escape(section.anchor)}">{escape(section.title)}</a></li>'
                       for section in sections)
    body = ''.join(
        f'<section id="{escape(section.anchor)}">\n<h2>{escape(section.title)}</h2>\n'
        f'{section.body}</section>\n' for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f'<div class="sheet">\n<header><h1>{escape(title)}</h1>\n<p>{escape(subtitle)}</p>'
        f'</header>\n<nav aria-label="Contents"><ol>{contents}</ol></nav>\n<main>\n{body}</main>\n'
        f'<footer>{escape(footer)}</footer>\n</div>\n</body>\n</html>\n')


def write_page(html: str, path: Path) -> None:
    """Write a page; its folder is made.

    Raises:
        DataError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, 'utf-8')
    except OSError as error:
        raise DataError(f'{path}: the report cannot be written ({error.strerror}); give another '
                        'place with --out') from error


def paragraph(text: str, kind: str = '') -> str:
    """Return a paragraph; `kind` ``note`` sets it apart."""
    mark = f' class="{escape(kind)}"' if kind else ''
    return f'<p{mark}>{escape(text)}</p>\n'


def figure(picture: bytes, alt: str, caption: str) -> str:
    """Return a PNG file as a figure that lies in the page itself.

    Args:
        alt: what the picture says, for who cannot see it.
    """
    data = base64.b64encode(picture).decode('ascii')
    return (f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{data}">\n'
            f'<figcaption>{escape(caption)}</figcaption></figure>\n')


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = '',
    words: int = 1,
) -> str:
    """Return a table.

    Args:
        words: the first columns are text; the others are numbers and stand on the right.
    """
    def cells(tag: str, values: Sequence[str]) -> str:
        return ''.join(
            f'<{tag}{mark(index)}>{escape(value)}</{tag}>' for index, value in enumerate(values))

    def mark(index: int) -> str:
        return '' if index < words else ' class="number"'

    title = f'<caption>{escape(caption)}</caption>' if caption else ''
    body = ''.join(f'<tr>{cells("td", row)}</tr>\n' for row in rows)
    return (f'<div class="scroll"><table>{title}<thead><tr>{cells("th", head)}</tr></thead>\n'
            f'<tbody>\n{body}</tbody></table></div>\n')
