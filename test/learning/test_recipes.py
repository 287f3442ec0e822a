"""Recipes that come along: read strictly, fit each other, and NTU RGB+D's runs on a miniature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import yaml

from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.baselines import ddnet
from neuropose_ros.learning.recipe import read_recipe, recipe_names, recipe_path

from .datasets.test_ntu import write

EXPECTED = ('jhmdb14', 'ntu60', 'nw_ucla', 'ucf101')


def test_recipes_that_are_promised_come_along() -> None:
    assert set(EXPECTED) <= set(recipe_names())


@pytest.mark.parametrize('name', recipe_names())
def test_recipe_is_of_the_data_set_that_it_is_named_after(name: str) -> None:
    recipe = read_recipe(name)
    assert name.startswith(recipe.data.dataset)
    assert name not in EXPECTED or 'ddnet' in recipe.evaluation.baselines


@pytest.mark.parametrize(('change', 'said'), [
    ('network.causal=true', 'network.causal is True and sampling.causal False'),
    ('training.select=best', 'needs a data.validation_share'),
    ('evaluation.pose_only=true', 'network.scene_size is 0'),
    ('evaluation.baselines=[lstm]', "baselines has 'lstm'; ddnet and svm"),
    ('data.refit=true', 'refit is true; it needs a validation_share'),
    ('training.epochs=0', 'training: epochs is 0; at least 1'),
    ('network.width=30', 'network.width must be a multiple of 4'),
    ('data.validation_share=1.5', 'validation_share is 1.5; 0 to 0.9'),
])
def test_sections_that_do_not_fit_are_named(change: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        read_recipe('nw_ucla', [change])
    assert '\n' not in str(caught.value) and 'nw_ucla.yaml' in str(caught.value)


def test_miniature_ntu_is_reproduced_by_its_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    rng = np.random.default_rng(0)
    # Performers 1 and 2 teach by the authors' lists, 3 and 6 do not.
    for action in (1, 2):
        for performer in (1, 2, 3, 6):
            still = rng.normal(0, 0.3, (25, 3)) + np.array((0, 0, 3))
            frames = [{'1': still + 0.1 * action * np.sin(t)} for t in range(12)]
            write(tmp_path / 'data' / f'S001C001P{performer:03}R001A{action:03}.skeleton', frames)
    table = yaml.safe_load(recipe_path('ntu60').read_text())
    table['training'] |= {'epochs': 2, 'warmup_epochs': 0}
    table['network'] |= {'width': 16, 'blocks': 1}
    table['evaluation'] |= {'baselines': [], 'views': 2}
    recipe = tmp_path / 'ntu60.yaml'
    recipe.write_text(yaml.safe_dump(table))
    assert main(['reproduce', str(recipe), '--data', str(tmp_path / 'data'), '--split', 'xsub',
                 '--seeds', '1', '--workers', '1', '--out', str(tmp_path / 'out'), '--json']) == 0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (values['split'], values['training_clips'], values['test_clips']) == ('xsub', 4, 4)


def test_ddnet_has_the_size_that_its_paper_gives() -> None:
    # arXiv:1907.09658 gives 1.82 million weights with 64 filters.
    weights = sum(weight.numel() for weight in ddnet.DDNet(15, 2, 21).parameters())
    assert 1.7e6 < weights < 1.9e6
