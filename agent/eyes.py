"""The sources of pictures that a persona looks at: `[eyes]` in its file."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, model_validator

from configuration import Table, sentence

Source = Literal["camera", "screen_share"]
"""LiveKit's name of a track source that the model can look at."""
SOURCES: tuple[str, ...] = get_args(Source)


def _checked(sources: object) -> object:
    if not isinstance(sources, list | tuple):
        raise sentence(f'sources in [eyes] is {sources!r}; it must be a list such as ["camera", "screen_share"]')
    for source in sources:
        if source not in SOURCES:
            near = difflib.get_close_matches(str(source), SOURCES, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(SOURCES)}"
            raise sentence(f"sources in [eyes] has {source!r}; {advice}")
    return tuple(dict.fromkeys(sources))


class Eyes(Table):
    """`[eyes]`: what the persona looks at; by default nothing."""

    unknown_key = "the key '{bare}' in [eyes] is unknown"

    sources: Annotated[tuple[Source, ...], BeforeValidator(_checked)] = ()
    """The caller's camera, the screen that the caller shares, or both."""

    @model_validator(mode="before")
    @classmethod
    def _is_a_table(cls, value: Any) -> Any:
        if not isinstance(value, Mapping | Eyes):
            raise sentence('eyes must be a table: write [eyes], and below it sources = ["camera", "screen_share"]')
        return value
