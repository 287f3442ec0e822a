"""One table of parameters per node: it feeds the declaration, the live checks, docs and tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, dataclass
from typing import TYPE_CHECKING, Any, cast

from neuropose_ros.core.errors import ParameterError

if TYPE_CHECKING:
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.node import Node
    from rclpy.parameter import Parameter

Value = bool | int | float | str


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter.

    Attributes:
        default: the default, whose type is the parameter's type.
        consequence: what it does and what a larger value costs, for people.
        minimum, maximum: inclusive bounds of a number.
        choices: the allowed strings.
        live: takes effect at once; else at the next configure.
    """

    name: str
    default: Value
    consequence: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    @property
    def type_name(self) -> str:
        """The type, as people write it in a parameter file."""
        return {bool: 'bool', int: 'int', float: 'float', str: 'string'}[type(self.default)]

    def problem(self, value: Any) -> str | None:
        """Return one sentence on what is wrong with ``value``, or None."""
        if type(value) is not type(self.default):
            hint = f': write {float(value)}' if (
                isinstance(self.default, float) and isinstance(value, int)
                and not isinstance(value, bool)) else ''
            return (f'parameter {self.name} must be of type {self.type_name}, not '
                    f'{type(value).__name__} {value!r}{hint}')
        if self.choices and value not in self.choices:
            return (f'parameter {self.name} must be one of {", ".join(map(repr, self.choices))}, '
                    f'not {value!r}')
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                return f'parameter {self.name} must be finite, not {value}'
            low = -math.inf if self.minimum is None else self.minimum
            high = math.inf if self.maximum is None else self.maximum
            if not low <= value <= high:
                unit = f' {self.unit}' if self.unit else ''
                return f'parameter {self.name} must be in {low:g} .. {high:g}{unit}, not {value:g}'
        return None


def spec_of_field(field: Field[Any]) -> ParameterSpec:
    """Return a live parameter for a field of a stage's parameters.

    Args:
        field: of a dataclass, with ``text``, and ``range`` and ``unit`` or ``choices``, in its
            metadata.
    """
    low, high = field.metadata.get('range', (None, None))
    unit = field.metadata.get('unit', '')
    return ParameterSpec(
        field.name, cast(Value, field.default), field.metadata['text'],
        unit='' if unit == '1' else unit, minimum=low, maximum=high,
        choices=field.metadata.get('choices', ()), live=True)


def _descriptor(spec: ParameterSpec) -> Any:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    text = spec.consequence + (f' [{spec.unit}]' if spec.unit else '')
    descriptor = ParameterDescriptor(
        description=text, additional_constraints=' | '.join(spec.choices))
    bounded = spec.minimum is not None and spec.maximum is not None
    if bounded and isinstance(spec.default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(spec.minimum or 0), to_value=float(spec.maximum or 0))]
    elif bounded and type(spec.default) is int:
        descriptor.integer_range = [IntegerRange(
            from_value=int(spec.minimum or 0), to_value=int(spec.maximum or 0))]
    return descriptor


def declare(node: Node, specs: Iterable[ParameterSpec]) -> None:
    """Declare all parameters of a node.

    Raises:
        ParameterError: a value given at the start has the wrong type or is out of range.
    """
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException

    for spec in specs:
        try:
            value = node.declare_parameter(spec.name, spec.default, _descriptor(spec)).value
        except InvalidParameterTypeException as error:
            given = getattr(error, 'args', ('',))[0]
            raise ParameterError(
                f'{node.get_fully_qualified_name()}: parameter {spec.name} must be of type '
                f'{spec.type_name} ({given})') from None
        except InvalidParameterValueException as error:
            reason = str(error).partition('Reason: ')[2] or str(error)
            raise ParameterError(f'{node.get_fully_qualified_name()}: {reason}') from None
        problem = spec.problem(value)
        if problem:
            raise ParameterError(f'{node.get_fully_qualified_name()}: {problem}')


def values(node: Node, specs: Iterable[ParameterSpec]) -> dict[str, Any]:
    """Return the present value of each parameter by name."""
    return {spec.name: node.get_parameter(spec.name).value for spec in specs}


def check_change(
    specs: Mapping[str, ParameterSpec], changes: Sequence[Parameter[Any]], *, configured: bool,
) -> SetParametersResult:
    """Judge a change at run time: whole or not at all, with the reason in one sentence."""
    from rcl_interfaces.msg import SetParametersResult

    for change in changes:
        spec = specs.get(change.name)
        if spec is None:
            continue
        problem = spec.problem(change.value)
        if problem is None and configured and not spec.live:
            problem = (f'parameter {spec.name} takes effect when the node is configured: '
                       'deactivate and clean it up first')
        if problem:
            return SetParametersResult(successful=False, reason=problem)
    return SetParametersResult(successful=True)


def markdown(specs: Iterable[ParameterSpec]) -> str:
    """Return the table of parameters for the docs."""
    head = ('parameter', 'type', 'default', 'range', 'live', 'what it does')
    rows = [f'| {" | ".join(head)} |', '|---' * len(head) + '|']
    for spec in specs:
        default = f'`{spec.default!r}`' if isinstance(spec.default, str) else f'`{spec.default}`'
        bounds = ', '.join(f'`{choice}`' for choice in spec.choices)
        if spec.minimum is not None or spec.maximum is not None:
            low = '' if spec.minimum is None else f'{spec.minimum:g}'
            high = '' if spec.maximum is None else f'{spec.maximum:g}'
            bounds = f'{low} .. {high} {spec.unit}'.strip()
        rows.append(f'| `{spec.name}` | {spec.type_name} | {default} | {bounds} | '
                    f'{"yes" if spec.live else "no"} | {spec.consequence} |')
    return '\n'.join(rows) + '\n'
