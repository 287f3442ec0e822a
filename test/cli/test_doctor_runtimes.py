"""What the doctor says of the runtimes, from choices that are handed to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuropose_ros.cli.doctor import runtimes
from neuropose_ros.cli.doctor.findings import Answer, Finding, Status, ask

CHOICES = (
    runtimes.Choice('tensorrt', 'TensorRT', 'no package', False),
    runtimes.Choice('tensorrt', 'ONNX Runtime on TensorRT', 'not in it', False),
    runtimes.Choice('openvino', 'OpenVINO', '', True),
    runtimes.Choice('openvino', 'ONNX Runtime on OpenVINO', 'not in it', False),
    runtimes.Choice('cpu', 'ONNX Runtime on the processor', '', False),
    runtimes.Choice('litert', 'LiteRT', 'not installed', False),
)


def nothing_there(command: Sequence[str]) -> None:
    """Stand in for a machine without programs."""


def test_it_explains_what_auto_takes_and_what_is_not_there() -> None:
    taken, missing, openvino = runtimes.check_runtimes(
        CHOICES, lambda command: Answer(0, '2.1\n', ''))
    assert taken == Finding('backends', Status.OK, 'auto takes OpenVINO for .onnx')
    assert missing.detail == 'tensorrt: no package; litert: not installed'
    assert openvino == Finding('OpenVINO', Status.OK, '2.1')
    assert runtimes.usable(CHOICES) == {'openvino', 'cpu'}


def test_a_runtime_that_does_not_load_is_told_from_one_that_is_not_there() -> None:
    def crashing(command: Sequence[str]) -> Answer:
        return Answer(-6, '', 'libopenvino.so: wrong')

    finding = list(runtimes.check_runtimes(CHOICES, crashing))[-1]
    assert (finding.topic, finding.status) == ('OpenVINO', Status.WARNING)
    assert finding.detail == 'installed, but does not load: libopenvino.so: wrong'


def test_nothing_to_run_networks_with_is_broken() -> None:
    absent = [replace(choice, missing='gone', taken=False) for choice in CHOICES]
    (finding,) = runtimes.check_runtimes(absent, nothing_there)
    assert finding.status is Status.BROKEN and finding.fix.endswith('onnxruntime')
    (untold,) = runtimes.check_runtimes('numpy is broken', nothing_there)
    assert (untold.status, untold.detail) == (Status.BROKEN, 'none: numpy is broken')
    assert runtimes.usable('numpy is broken') == set()


def test_the_choices_are_asked_for_real() -> None:
    choices = runtimes.ask_choices(ask)
    assert not isinstance(choices, str)
    assert 'cpu' in runtimes.usable(choices)
    assert runtimes.ask_choices(lambda command: Answer(1, '', 'Traceback\nBad: x')) == 'Bad: x'
