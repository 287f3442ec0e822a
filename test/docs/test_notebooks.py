"""The notebooks run from top to bottom, as a reader would run them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip('nbformat', reason='needs nbformat')
nbclient = pytest.importorskip('nbclient', reason='needs nbclient')
pytest.importorskip('ipykernel', reason='needs ipykernel')


@pytest.fixture
def quiet_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter leaves nothing in the home folder, and matplotlib needs no display."""
    for name in ('JUPYTER_RUNTIME_DIR', 'JUPYTER_DATA_DIR', 'IPYTHONDIR', 'JUPYTER_CONFIG_DIR'):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv('OMP_NUM_THREADS', '1')


def run(path: Path, folder: Path, timeout_s: float = 100):
    """Return the notebook with its outputs; a cell that fails fails the test."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=timeout_s, kernel_name='python3',
        resources={'metadata': {'path': str(folder)}}).execute()
    return notebook


def printed(notebook) -> str:
    """Return all that its cells printed."""
    return ''.join(output.get('text', '') for cell in notebook.cells if cell.cell_type == 'code'
                   for output in cell.outputs if output.output_type == 'stream')


def pictures(notebook) -> int:
    """Return how many pictures its cells show."""
    return sum('image/png' in output.get('data', {}) for cell in notebook.cells
               if cell.cell_type == 'code' for output in cell.outputs)


def test_notebooks_are_kept_without_outputs(source_root):
    paths = sorted((source_root / 'docs' / 'notebooks').glob('*.ipynb'))
    assert paths
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            if cell.cell_type == 'code':
                assert not cell.outputs and cell.execution_count is None


def test_a_recording_is_analysed(source_root, tmp_path, monkeypatch, quiet_jupyter):
    pytest.importorskip('torch', reason='needs torch')
    from neuropose_ros.learning.export import ExportSettings, export

    from ..learning.small_networks import small_recogniser

    export(small_recogniser(), tmp_path / 'known' / 'small', ExportSettings(half=False))
    monkeypatch.setenv('NEUROPOSE_RECOGNISERS', str(tmp_path / 'known'))
    monkeypatch.setenv('NEUROPOSE_OUT', str(tmp_path / 'out'))
    monkeypatch.delenv('NEUROPOSE_RECORDING', raising=False)
    done = run(source_root / 'docs' / 'notebooks' / 'analyse_a_recording.ipynb', tmp_path)
    text = printed(done)
    assert '300 frames, 33 joints' in text and 'frames left out: 0' in text
    assert text.count('steps per minute') == 2
    assert 'frames: ' in text.split('steps per minute')[-1]  # what the recogniser said
    assert pictures(done) == 3
    with (tmp_path / 'out' / 'joints.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300 * 33
    hidden = {row['state'] for row in rows
              if row['joint'] == 'left_wrist' and 3.1 <= float(row['time_s']) < 3.9}
    assert not hidden & {'MEASURED', 'CORRECTED'}


def test_a_bag_is_analysed(source_root, tmp_path, monkeypatch, quiet_jupyter):
    pytest.importorskip('rosbags', reason='needs rosbags')
    from .bags import write_walk

    bag = write_walk(tmp_path / 'walk', source_root / 'msg')
    monkeypatch.setenv('NEUROPOSE_OUT', str(tmp_path / 'out'))
    monkeypatch.setenv('NEUROPOSE_RECORDING', str(bag))
    done = run(source_root / 'docs' / 'notebooks' / 'analyse_a_recording.ipynb', tmp_path)
    text = printed(done)
    assert '90 frames, 17 joints (coco17' in text
    assert 'frames left out: 10' in text


def test_a_recogniser_learns_from_videos(source_root, data_folder, tmp_path, monkeypatch,
                                         quiet_jupyter):
    for name in ('torch', 'ai_edge_litert'):
        pytest.importorskip(name, reason=f'needs {name}')
    found = {name: next(data_folder.glob(f'models/{name}/*.{kind}'), None)
             for name, kind in (('rtmdet_nano', 'onnx'), ('movenet_lightning', 'tflite'))}
    if None in found.values():
        pytest.skip('needs the networks of NEUROPOSE_DATA')
    (tmp_path / 'models.yaml').write_text(
        f'rtmdet-nano: {{path: {found["rtmdet_nano"]}}}\n'
        f'movenet-lightning-int8: {{path: {found["movenet_lightning"]}}}\n')
    monkeypatch.setenv('NEUROPOSE_MODELS', str(tmp_path / 'models.yaml'))
    monkeypatch.setenv('NEUROPOSE_OUT', str(tmp_path / 'out'))
    monkeypatch.delenv('NEUROPOSE_VIDEOS', raising=False)
    done = run(source_root / 'docs' / 'notebooks' / 'train_on_your_videos.ipynb', tmp_path)
    text = printed(done)
    assert 'sit_to_stand, walk, wave' in text
    assert 'test clips are right' in text
    figures = json.loads((tmp_path / 'out' / 'report.json').read_text('utf-8'))
    assert figures['clips'] == 3
    assert (tmp_path / 'out' / 'recogniser' / 'step.onnx').is_file()
    assert pictures(done) == 2


def test_a_session_is_read(source_root, tmp_path, monkeypatch, quiet_jupyter):
    for name in ('pyarrow', 'pandas', 'xarray'):
        pytest.importorskip(name, reason=f'needs {name}')
    monkeypatch.delenv('NEUROPOSE_SESSION', raising=False)
    done = run(source_root / 'docs' / 'notebooks' / 'read_a_session.ipynb', tmp_path)
    text = printed(done)
    assert '(180, 1, 33, 2) frames' in text and "('track_0',)" in text
    left, right = map(float, re.findall(r"_wrist': (0\.\d+)", text))
    assert left < right - 0.1  # hidden for 1 of 6 seconds
    assert 'px/s' in text and 'task: walking | finished: True | torn: ()' in text
    assert pictures(done) == 1
