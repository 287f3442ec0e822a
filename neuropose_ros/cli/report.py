"""Write the quality of a recorded session into one HTML file with plots.

Frame rate and gaps, what was dropped or late, missing joints, latency per stage, tracks, clocks,
innovation and a sheet of skeletons. The page shows no pictures and names no subject.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('session', type=Path, help='the folder of a session')
    parser.add_argument('--out', type=Path,
                        help='the report; default: quality.html in the folder of the session')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Read the session, write the page and print its figures."""
    from neuropose_ros.drawing.page import write_page
    from neuropose_ros.recording import open_session
    from neuropose_ros.recording.quality.report import default_path, session_report

    with open_session(args.session) as session:
        html, values = session_report(session)
    out = args.out or default_path(args.session)
    write_page(html, out)
    for name, value in values.items():
        print(f'{name:18} {"not known" if value is None else format(value, ".4g")}')
    print(f'{out} is the report')
    if args.json:
        print(json.dumps(values))
    return 0
