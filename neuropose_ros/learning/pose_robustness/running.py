"""All systems asked about all conditions, one condition after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from neuropose_ros.core.pose import Image
from neuropose_ros.learning.pose_robustness.conditions import HARMS, STRENGTHS, harmed
from neuropose_ros.learning.pose_robustness.outcome import CLEAN, Condition, Score, score
from neuropose_ros.learning.pose_robustness.shots import Take
from neuropose_ros.learning.pose_robustness.systems import Found, System

World = tuple[str, int]
"""A harm and its strength; `CLEAN` and 0."""


def worlds(
    harms: Collection[str] = HARMS, strengths: Collection[int] = STRENGTHS,
) -> list[World]:
    """Return the conditions of a run, the clean one first."""
    return [(CLEAN, 0), *((harm, strength) for harm in harms for strength in strengths)]


def measure(
    takes: Sequence[Take], systems: Sequence[System], asked: Sequence[World], *,
    only: Mapping[str, Collection[str]] | None = None, seed: int = 0,
    watch: Callable[[World], object] = lambda _: None,
) -> dict[Condition, Score]:
    """Show every system the same pictures, and measure what it finds.

    The systems work beside each other, while the next pictures are made.

    Args:
        only: by name of a system the harms that it is asked about; the others see all.
        watch: told of each condition that is done.
    """
    others = [take.shots[0].image for take in takes]
    layouts = [system.layout for system in systems]
    scores: dict[Condition, Score] = {}
    with ThreadPoolExecutor(len(systems) + 1) as pool:
        for world, shown in _made(takes, asked, others, seed, pool):
            chosen = [system for system in systems
                      if world[0] in (only or {}).get(system.name, (world[0],))]
            looks = [pool.submit(system.look, shown) for system in chosen]
            for system, look in zip(chosen, looks, strict=True):
                for row, found in look.result().items():
                    for source, part, places in _by_source(shown, found):
                        scores[Condition(row, source, *world)] = score(
                            part, places, system.layout, layouts)
            watch(world)
    return scores


def _made(
    takes: Sequence[Take], asked: Sequence[World], others: Sequence[Image], seed: int,
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[World, Sequence[Take]]]:
    """Give each condition and its pictures, the next ones made meanwhile."""

    def make(world: World) -> Sequence[Take]:
        name, strength = world
        return takes if name == CLEAN else harmed(takes, HARMS[name], strength, others, seed)

    ready = pool.submit(make, asked[0])
    for world, following in zip(asked, [*asked[1:], None], strict=True):
        shown = ready.result()
        if following is not None:
            ready = pool.submit(make, following)
        yield world, shown


def _by_source(
    takes: Sequence[Take], found: Found,
) -> Iterator[tuple[str, list[Take], Found]]:
    for source in dict.fromkeys(take.source for take in takes):
        chosen = [i for i, take in enumerate(takes) if take.source == source]
        yield source, [takes[i] for i in chosen], [found[i] for i in chosen]
