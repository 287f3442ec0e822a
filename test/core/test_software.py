"""Versions are those of what runs."""

import numpy as np

from neuropose_ros.core.software import own_version, software_versions


def test_what_computes_is_named_with_its_version(source_root):
    found = software_versions()
    assert found['numpy'] == np.__version__
    assert f'<version>{own_version()}</version>' in (source_root / 'package.xml').read_text()
    assert found['neuropose_ros'] == own_version() != ''
