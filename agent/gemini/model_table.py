"""The model table as text, for the command line and docs/live.md. Pure."""

from agent.gemini.live_features import FEATURES, MODELS


def table() -> str:
    """Every feature, what each model takes, and its setting; below, the models' whole names."""
    columns = [
        ["", *(feature.title for feature in FEATURES)],
        *([features.short, *(str(feature.cell(features)) for feature in FEATURES)] for features in MODELS),
        ["[live]", *(feature.setting for feature in FEATURES)],
    ]
    widest = max(len(features.short) for features in MODELS)
    legend = [f"{features.short.ljust(widest)}  {features.model}" for features in MODELS]
    return "\n".join([*_aligned(columns), "", *legend])


def _aligned(columns: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
