"""The bench of refinement, on a few clips that are made up."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.cli.bench import (
    refinement,
    refinement_ablation,
    refinement_aside,
    refinement_swaps,
)
from neuropose_ros.cli.bench.refinement_cost import ms_per_person_frame
from neuropose_ros.cli.bench.refinement_rows import Bed
from neuropose_ros.cli.main import main
from neuropose_ros.learning.baselines.filters import Kalman
from neuropose_ros.learning.baselines.refinement import Tasks, filled
from neuropose_ros.learning.refiner.measures import hidden
from neuropose_ros.learning.refiner.protocol import causally
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

from ...learning.refiner.clips import write_folder

UNCHANGED = causally(lambda: RefinementStage(RefinementParameters(mode='none')))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A data set of eight clips."""
    path = tmp_path_factory.mktemp('jhmdb')
    write_folder(path, per_part=2, frames=18)
    return path


@pytest.fixture(scope='module')
def bed(folder):
    return Bed(folder, 'test')


def test_a_quick_bench_says_what_is_promised(folder, tmp_path, capsys):
    assert main(['bench', 'refinement', '--data', str(folder), '--out', str(tmp_path / 'out'),
                 '--refiner', 'none', '--quick', '--json']) == 0
    out = capsys.readouterr().out.strip().splitlines()
    report = json.loads(out[-1])
    for name in ('causal', 'offline'):
        assert set(refinement.ROW) <= report[name].keys()
    assert set(refinement.ROW) <= report['baselines']['raw'].keys()
    assert {'swaps_repaired', 'swaps_introduced', 'coverage90', 'ms_per_person_frame'} <= (
        report.keys())
    assert any(line.startswith('tremor_kept') and 'not measured' in line for line in out)


def test_without_data_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.delenv('NEUROPOSE_DATA', raising=False)
    assert main(['bench', 'refinement']) == 2
    assert '--data FOLDER' in capsys.readouterr().err


def test_targets_are_shown_beside_figures():
    lines = []
    refinement.print_targets(
        {'causal': {'pck@0.1': 0.74, 'accel': 0.07}, 'coverage90': 0.99}, lines.append)
    of = {line.split()[0]: line for line in lines}
    assert 'MISSED' not in of['causal.pck@0.1']
    assert 'MISSED' in of['causal.accel']
    assert 'MISSED' in of['coverage90']
    assert 'not measured' in of['offline.accel']


def test_a_refiner_that_changes_nothing_is_as_good_as_raw(bed):
    raw = bed.raw()
    figures = bed.of_real(bed.real(UNCHANGED))
    for key in ('pck@0.05', 'pck@0.1', 'accel'):
        assert figures[key] == pytest.approx(raw[key], abs=1e-4)


def test_the_test_part_is_not_the_training_part(folder):
    test, train = (Bed(folder, part).tasks.hidden_pairs for part in ('test', 'train'))
    assert not {pair.name for pair in test} & {pair.name for pair in train}


def test_hidden_joints_are_filled_by_the_stage(bed):
    assert bed.of_masked(causally(RefinementStage))['masked20'] < bed.raw()['masked20']


def test_only_single_joints_have_covariances(bed):
    judged = bed.calibration(bed.real(causally(RefinementStage)))
    assert 0 < judged.described <= 1
    assert judged.area90 > 0


def test_a_filters_variances_are_scaled_on_the_training_part(bed):
    one, other = (bed.calibration_of_kalman(Kalman(0.01 * factor, 0.1 * factor, 10.0 * factor))
                  for factor in (1.0, 5.0))
    assert one.coverage90 == pytest.approx(0.9, abs=0.1)
    assert other.area90 == pytest.approx(one.area90, rel=0.1)  # but for the first speed


def test_the_shape_of_the_truth_is_steady(bed):
    shapes = bed.all_shapes({'as found': bed.real(UNCHANGED)})
    assert shapes['truth']['jitter'] == pytest.approx(0.0, abs=1e-5)
    assert shapes['as found']['jitter'] == pytest.approx(shapes['raw']['jitter'], rel=1e-3)
    assert shapes['raw']['bone_length_variance'] > shapes['truth']['bone_length_variance']


def test_a_refiner_that_changes_nothing_repairs_nothing(bed):
    sides = refinement_swaps.swaps_made(bed, UNCHANGED)
    assert sides.events == len(bed.tasks.hidden_pairs)
    assert (sides.repaired, sides.introduced) == (0, 0)
    none, precise = refinement_swaps.swaps_in_none(bed, UNCHANGED)
    assert none.introduced == 0
    assert precise['causal_error'] == pytest.approx(precise['raw_error'], rel=1e-4)
    assert precise['raw_error'] == pytest.approx(0.01 * np.sqrt(np.pi / 2), rel=0.05)


def test_sides_are_put_back(bed):
    sides = refinement_swaps.swaps_made(bed, causally(RefinementStage))
    assert sides.repaired > 0.5 * sides.exchanged


def test_each_part_is_switched_off_in_turn(bed, tmp_path):
    asked = []

    def make(parameters):
        asked.append(parameters)
        return RefinementStage(parameters)

    parameters = RefinementParameters()
    rows = refinement_ablation.ablate(bed, parameters, make)
    assert {'everything', 'no network', 'no swap repair', 'filter alone'} <= rows.keys()
    assert asked[0] == parameters
    assert not asked[-1].use_network and not asked[-1].use_swap_repair
    assert rows['no swap repair']['swaps_repaired'] < rows['everything']['swaps_repaired']
    refinement_ablation.plot(rows, str(tmp_path / 'ablation.png'))
    assert (tmp_path / 'ablation.png').read_bytes()[:4] == b'\x89PNG'


def test_what_is_done_aside_says_what_it_printed(folder):
    said = refinement_aside.quietly(lambda: (print('a line'), 3)[1])
    assert said == (3, 'a line\n')


def test_gaps_are_filled_in_the_layout_of_the_truth(bed):
    tasks: Tasks = bed.tasks
    tracks = filled(tasks.found, lambda tracks: tracks.points)
    assert tracks.points.shape[2] == 15
    raw = bed.raw()
    assert all(value == pytest.approx(raw[key], abs=1e-5)
               for key, value in tasks.of_real(tracks.points).items())
    first = hidden(tasks.hidden_pairs[0], tasks.masks[0.2][0])
    np.testing.assert_array_equal(tasks.gapped[0.2].points[0, :len(first)], first)


def test_a_person_has_a_cost():
    assert 0 < ms_per_person_frame(RefinementStage, 2) < 50
