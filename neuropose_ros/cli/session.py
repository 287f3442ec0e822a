"""Show what a recorded session holds and what was lost; finish one that was killed.

Sessions open whether they are finished or not. Finishing turns what a kill left into the files
that an ordinary end leaves; nothing is changed without --finish.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from neuropose_ros.recording import Session, open_session
from neuropose_ros.recording.schema import TABLES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('session', type=Path, help='folder of the session')
    parser.add_argument('--finish', action='store_true', help='finish it if it was killed')
    parser.add_argument('--json', action='store_true', help='print everything as JSON')


def run(args: argparse.Namespace) -> int:
    """Show, and finish where asked."""
    path = args.session.expanduser()
    if args.finish:
        from neuropose_ros.recording.upkeep import finish_session

        with open_session(path) as session:
            unfinished = not session.closed or (path / 'segments').exists()
        if unfinished:
            finish_session(path)
    with open_session(path) as session:
        facts = _facts(session)
    print(json.dumps(facts) if args.json else '\n'.join(_lines(facts)))
    return 0


def _facts(session: Session) -> dict[str, Any]:
    stamps = [_span(session, table) for table in TABLES]
    begins = [begin for _, begin, _ in stamps if begin is not None]
    ends = [end for _, _, end in stamps if end is not None]
    about = session.about
    return {
        'path': str(session.path),
        'state': 'being recorded' if session.being_recorded
        else 'finished' if session.closed else 'not finished: its recording was killed',
        'begins_ns': min(begins, default=None),
        'ends_ns': max(ends, default=None),
        'kind': about.kind, 'task': about.task,
        'subjects': [subject.pseudonym for subject in about.subjects],
        'people': list(session.pose_topics),
        'rows': {table: rows for table, (rows, _, _) in zip(TABLES, stamps, strict=True)},
        'events': len(session.events()),
        'corrections': len(session.corrections()),
        'lost': session.facts.get('lost', {}),
        'missing': session.facts.get('missing', {}),
        'torn_bytes': sum(torn.lost_bytes for torn in session.torn),
        # By what lies there: who was killed could not say it.
        'beside': [name for name in ('bag', 'video') if any(session.path.glob(f'{name}*'))],
        'log': [sentence for _, sentence in session.log],
    }


def _span(session: Session, table: str) -> tuple[int, int | None, int | None]:
    """Return rows, first and last stamp of a table; None where there is no row."""
    rows, begin, end = 0, None, None
    for batch in session.batches(table, ['stamp_ns']):
        stamps = batch.column('stamp_ns').to_numpy()
        if len(stamps):
            first, last = int(stamps.min()), int(stamps.max())
            begin = first if begin is None else min(begin, first)
            end = last if end is None else max(end, last)
        rows += batch.num_rows
    return rows, begin, end


def _lines(facts: dict[str, Any]) -> list[str]:
    lines = [f'{facts["path"]}: {facts["kind"]}, {facts["state"]}']
    if facts['begins_ns'] is not None:
        begin = datetime.fromtimestamp(facts['begins_ns'] / 1e9, timezone.utc)
        length_s = (facts['ends_ns'] - facts['begins_ns']) / 1e9
        lines.append(f'  {begin:%Y-%m-%d %H:%M:%S} UTC, {length_s:.1f} s')
    for name, values in (('task', [facts['task']]), ('subjects', facts['subjects']),
                         ('people of', facts['people']), ('beside it', facts['beside'])):
        if any(values):
            lines.append(f'  {name}: {", ".join(values)}')
    rows = {**facts['rows'], **{name: facts[name] for name in ('events', 'corrections')}}
    lines.append('  rows: ' + (', '.join(
        f'{count} {table}' for table, count in rows.items() if count) or 'none'))
    for name, counts in (('could not be kept', facts['lost']),
                         ('did not reach the recorder', facts['missing'])):
        if any(counts.values()):
            lines.append(f'  {name}: ' + ', '.join(
                f'{count} {key}' for key, count in counts.items() if count))
    if facts['torn_bytes']:
        lines.append(f'  torn off at the end: {facts["torn_bytes"]} bytes')
    return lines + [f'  {sentence}' for sentence in facts['log']]
