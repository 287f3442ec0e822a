import argparse
from pathlib import Path

import pytest

from neuropose_ros.cli import models
from neuropose_ros.inference.models import model_path
from neuropose_ros.inference.registry import load_registry


def test_it_says_which_models_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv('NEUROPOSE_CACHE', str(tmp_path))
    here = model_path(load_registry()['blazepose-detector'], tmp_path)
    here.parent.mkdir()
    here.touch()
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    assert models.run(parser.parse_args([])) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ['cache:', str(tmp_path)]
    said = {line[0]: line[1] for line in lines[1:]}
    assert said['blazepose-detector'] == 'here'
    assert said['blazepose-landmarks'] == 'not'
