"""Changes to ONNX graphs that several of our passes make."""

from __future__ import annotations

from typing import Any


def prune(graph: Any) -> set[str]:
    """Remove nodes and weights that no output needs; return the names that are needed."""
    needed, kept = {value.name for value in graph.output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [weight for weight in graph.initializer if weight.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    return needed
