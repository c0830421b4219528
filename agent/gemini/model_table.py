"""The model table as text, for the command line and docs/live.md. Pure."""

from collections.abc import Callable, Mapping

from agent.gemini.capabilities import Capabilities, capabilities_of
from agent.gemini.live_features import FEATURES, MODELS, LiveFeatures


def table() -> str:
    """Every feature, what each model takes, and its setting; below, the models' whole names."""
    columns = [
        ["", *(feature.title for feature in FEATURES), *_TOOL_ROWS],
        *([features.short, *_cells(features)] for features in MODELS),
        ["[live]", *(feature.setting for feature in FEATURES), *("" for _ in _TOOL_ROWS)],
    ]
    widest = max(len(features.short) for features in MODELS)
    legend = [f"{features.short.ljust(widest)}  {features.model}" for features in MODELS]
    return "\n".join([*_aligned(columns), "", *legend])


def _cells(features: LiveFeatures) -> list[str]:
    capabilities = capabilities_of(features.model, vertex=features.vertex)
    return [*(str(feature.cell(features)) for feature in FEATURES), *(cell(capabilities) for cell in _TOOL_ROWS.values())]


def _behavior(capabilities: Capabilities) -> str:
    if capabilities.translates:
        return "no functions"
    taken = [behavior.value.lower() for behavior in capabilities.tool_behaviors]
    return taken[0] if len(taken) == 1 else "either"


def _scheduling(capabilities: Capabilities) -> str:
    return "yes" if capabilities.tool_scheduling else "no"


def _progress(capabilities: Capabilities) -> str:
    return "yes" if capabilities.tool_progress else "no"


_TOOL_ROWS: Mapping[str, Callable[[Capabilities], str]] = {
    "behavior of a function": _behavior,
    "scheduling of results": _scheduling,
    "progress of a function": _progress,
}
"""The rows of what `tool_options` and a generator ask for, by title."""


def _aligned(columns: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
