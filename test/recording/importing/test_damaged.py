"""Files that were cut off or are something else: what is missing is said, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.errors import DataError
from neuropose_ros.recording.export.writing import export_session
from neuropose_ros.recording.importing.poses import Options
from neuropose_ros.recording.importing.writing import import_poses

from ..export.sessions import write_session

AT_30 = Options(rate_hz=30, size=(640, 480))


def test_what_a_cut_c3d_lacks_is_said(tmp_path: Path) -> None:
    pytest.importorskip('ezc3d', reason='needs ezc3d')
    write_session(tmp_path / 'walk')
    file = export_session(tmp_path / 'walk', 'c3d', tmp_path / 'out').files[0]
    whole = import_poses(file, 'c3d', tmp_path / 'whole', AT_30)
    assert not any('frames' in note for note in whole.notes)
    file.write_bytes(file.read_bytes()[:-6000])
    cut = import_poses(file, 'c3d', tmp_path / 'cut', AT_30)
    assert 0 < cut.frames < whole.frames
    assert any('it says it has 40 frames' in note for note in cut.notes)


@pytest.mark.parametrize(('kind', 'name'), [
    ('coco', 'a.json'), ('openpose', 'a/000_keypoints.json')])
def test_what_is_no_text_is_not_shown(kind: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(bytes(range(128, 256)) * 40)
    with pytest.raises(DataError) as found:
        import_poses(file if kind == 'coco' else file.parent, kind, tmp_path / 'out', AT_30)
    assert len(str(found.value)) < 300 + len(str(file))
