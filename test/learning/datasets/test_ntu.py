"""NTU RGB+D: the text of .skeleton files, the main body, and the authors' splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.ntu import (
    ACTIONS,
    NtuName,
    main_body,
    read_bodies,
    read_ntu60,
)

from .sequences import points

NAME = 'S001C002P003R002A013'


def write(path: Path, frames: list[dict[str, np.ndarray]], states=None) -> None:
    """Write frames of body id -> (25, 3), in the authors' text form."""
    lines = [str(len(frames))]
    for number, bodies in enumerate(frames):
        lines.append(str(len(bodies)))
        for body, joints in bodies.items():
            lines += [f'{body} 0 1 1 0 0 0 0.02 -0.3 2', '25']
            for k, (x, y, z) in enumerate(joints):
                state = 2 if states is None else states[number, k]
                lines.append(f'{x:.7g} {y:.7g} {z:.7g} 256.1 212.4 960.2 540.1 0.1 0.2 0.3 0.4 '
                             f'{state}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\r\n'.join(lines) + '\r\n')


def test_bodies_are_read_with_their_gaps(tmp_path):
    first, second = points(3, 25, 3, 1), points(3, 25, 3, 2)
    a, b = '72057594037931101', '72057594037931102'  # differ by less than a float64 can tell
    states = np.full((3, 25), 2)
    states[0, 4], states[1, 5] = 0, 1
    path = tmp_path / f'{NAME}.skeleton'
    write(path, [{a: first[0]}, {a: first[1], b: second[1]}, {b: second[2]}], states)
    bodies = read_bodies(path)
    assert set(bodies) == {a, b}
    np.testing.assert_allclose(bodies[b][0][1:], second[1:], rtol=1e-6)
    assert np.isnan(bodies[a][0][2]).all()
    assert np.isnan(bodies[a][0][0, 4]).all()
    assert bodies[a][1][0, 4] == 0
    assert bodies[a][1][1, 5] == 0.5
    assert bodies[a][1][0, 0] == 1
    assert (bodies[a][1][2] == 0).all()


def test_the_main_body_is_the_moving_one_not_a_ghost():
    def body(frames: slice, spread: float):
        values = np.full((20, 25, 3), np.nan, np.float32)
        values[frames] = spread * points(20, 25, 3)[frames]
        return values, np.ones((20, 25), np.float32)
    bodies = {'still': body(slice(0, 20), 0.01), 'moving': body(slice(3, 20), 1.0),
              'ghost': body(slice(0, 5), 9.0)}
    assert main_body(bodies) is bodies['moving']
    with pytest.raises(DataError, match='no body'):
        main_body({})


@pytest.mark.parametrize(('split', 'trained'), [
    ('xsub', {'S001C001P001R001A001', 'S001C002P001R001A001', 'S001C003P038R001A060'}),
    ('xview', {'S001C002P001R001A001', 'S001C002P003R001A060', 'S001C003P038R001A060'}),
])
def test_clips_are_divided_as_the_authors_do(tmp_path, split, trained):
    names = {'S001C001P001R001A001', 'S001C002P001R001A001', 'S001C002P003R001A060',
             'S001C003P038R001A060', 'S001C001P003R002A060'}
    for name in names:
        write(tmp_path / 'nturgb+d_skeletons' / f'{name}.skeleton', [
            {'1': joints} for joints in points(4, 25, 3)])
    findings = Findings()
    parts = read_ntu60(tmp_path, split, findings)
    assert {clip.name for clip in parts.train.clips} == trained
    assert {clip.name for clip in parts.test.clips} == names - trained
    assert len(findings) == 0
    clip = next(c for c in (*parts.train.clips, *parts.test.clips) if c.name.endswith('R001A060')
                and 'P003' in c.name)
    assert clip.label == 59
    assert clip.group == ('P003' if split == 'xsub' else 'S001P003R001A060')
    assert parts.train.labels.labels[0] == 'drink_water'
    assert len(ACTIONS) == 60


def test_what_cannot_be_used_is_listed(tmp_path):
    good = [{'1': joints} for joints in points(4, 25, 3)]
    write(tmp_path / f'{NAME}.skeleton', good)
    write(tmp_path / 'S001C002P003R002A061.skeleton', good)
    write(tmp_path / 'notes.skeleton', good)
    write(tmp_path / 'S001C002P003R002A014.skeleton', [{}, {}])
    write(tmp_path / 'S001C002P003R002A015.skeleton', good)
    cut = tmp_path / 'S001C002P003R002A016.skeleton'
    write(cut, good)
    cut.write_text(cut.read_text()[:-2000])
    more = tmp_path / 'S001C002P003R002A017.skeleton'
    write(more, good)
    more.write_text(f'{more.read_text()}1 2\n')
    touched = tmp_path / 'S001C002P003R002A018.skeleton'
    touched.touch()
    (tmp_path / 'NTU_RGBD_samples_with_missing_skeletons.txt').write_text(
        'Samples with missing skeletons:\nS001C002P003R002A015\n')
    findings = Findings()
    split = read_ntu60(tmp_path, 'xsub', findings)
    assert [clip.name for clip in (*split.train.clips, *split.test.clips)] == [NAME]
    problems = {item.name: item.problem for item in findings.items}
    assert set(problems) == {
        'S001C002P003R002A061.skeleton', 'notes.skeleton', 'S001C002P003R002A014',
        'S001C002P003R002A015', 'S001C002P003R002A016', 'S001C002P003R002A017',
        'S001C002P003R002A018'}
    assert 'no body' in problems['S001C002P003R002A014']
    assert 'cut off' in problems['S001C002P003R002A016']
    assert 'cut off' in problems['S001C002P003R002A018']
    assert 'follow the last frame' in problems['S001C002P003R002A017']


def test_a_folder_without_files_or_another_split_is_refused(tmp_path):
    with pytest.raises(DataError, match='nturgb'):
        read_ntu60(tmp_path)
    with pytest.raises(DataError, match='not xset'):
        read_ntu60(tmp_path, 'xset')
    assert NtuName.parse('S001C002P003') is None
