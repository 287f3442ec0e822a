"""`neuropose evaluate pose`: a model and pictures in, figures and a page out, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuropose_ros.cli.main import main

from ..learning.pose_evaluation.spot_set import annotation, write_network, write_spots


@pytest.fixture
def spots(tmp_path: Path) -> list[str]:
    people = [annotation(n, n) for n in range(1, 4)]
    root = write_spots(tmp_path / 'set', people, 3)
    return ['--model', 'spots', '--models', f'{write_network(tmp_path)}', '--data', f'{root}',
            '--set', 'ap=false']


def test_a_model_of_the_user_is_measured(spots, tmp_path, capsys):
    out = tmp_path / 'made' / 'report.html'
    assert main(['evaluate', 'pose', *spots, '--out', f'{out}', '--json']) == 0
    printed = capsys.readouterr().out.splitlines()
    values = json.loads(printed[-1])
    assert (values['pck@0.1'], values['pictures'], values['left_out']) == (1.0, 3, 0)
    assert values == json.loads(out.with_suffix('.json').read_text())
    assert 'How well spots' in out.read_text('utf-8')
    assert any(line.startswith('pck@0.1 ') for line in printed)


def test_what_was_left_out_is_printed(spots, tmp_path, capsys):
    (tmp_path / 'set' / 'images' / '2.png').write_bytes(b'torn')
    more = ['--out', f'{tmp_path / "report.html"}', '--set', 'skipped_share=0.5']
    assert main(['evaluate', 'pose', *spots, *more]) == 0
    assert '1 left out:\n  2.png' in capsys.readouterr().out


@pytest.mark.parametrize(('change', 'said'), [
    (['--model', 'nonesuch'], "unknown pose model 'nonesuch'"),
    (['--data', 'nowhere'], 'nowhere: there is no such file or folder'),
    (['--set', 'bins=0'], 'bins'),
    (['--set', 'nonesuch=1'], 'nonesuch is not known'),
])
def test_mistakes_are_one_sentence(spots, change, said, capsys):
    assert main(['evaluate', 'pose', *spots, *change]) == 2
    error = capsys.readouterr().err
    assert said in error and 'Traceback' not in error


def test_evaluate_keeps_its_own_meaning(capsys):
    with pytest.raises(SystemExit):
        main(['evaluate', '--help'])
    shown = capsys.readouterr().out
    assert 'weights' in shown and 'evaluate pose' in shown
