"""What of a data set could not be used: listed, skipped, counted, and too much of it refused."""

from __future__ import annotations

from dataclasses import dataclass

from neuropose_ros.core.errors import DataError

DEFAULT_SKIPPED_SHARE = 0.05


@dataclass(frozen=True)
class Finding:
    """One clip, file or line of a list that was left out, and why."""

    name: str
    problem: str


class Findings:
    """Collects what a reader leaves out, so that nothing goes missing unsaid."""

    def __init__(self) -> None:
        """Start with nothing found."""
        self._items: list[Finding] = []

    def __len__(self) -> int:
        """Return how many items were left out."""
        return len(self._items)

    @property
    def items(self) -> tuple[Finding, ...]:
        """All findings, in the order in which they were met."""
        return tuple(self._items)

    def skip(self, name: str, problem: object) -> None:
        """Note that `name` is left out; a sentence that begins with the name is not doubled."""
        text = str(problem)
        for start in (f'clip {name}: ', f'{name}: '):
            text = text.removeprefix(start)
        self._items.append(Finding(name, text))

    def report(self, limit: int = 5) -> str:
        """Return a line of how many were left out and one for each of the first `limit`."""
        if not self._items:
            return 'nothing was left out'
        lines = [f'{len(self)} left out:']
        lines += [f'  {item.name}: {item.problem}' for item in self._items[:limit]]
        if len(self) > limit:
            lines.append(f'  and {len(self) - limit} more')
        return '\n'.join(lines)

    def refuse_many(
        self, used: int, share: float = DEFAULT_SKIPPED_SHARE, unit: str = 'clip',
    ) -> None:
        """Stop where too little of a data set is left to stand for it.

        Args:
            used: how many can be used.
            share: 0..1, of all that may be left out.
            unit: what is counted.

        Raises:
            DataError: nothing was used, or more than `share` (0..1) of all was left out.
        """
        total = used + len(self)
        if not used:
            raise DataError(f'no {unit} can be used; {self.report()}')
        if len(self) > share * total:
            raise DataError(
                f'{len(self)} of {total} {unit}s cannot be used, more than the allowed '
                f'{share:.0%}: mend them, or allow more; {self.report()}')
