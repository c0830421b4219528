"""The form of a persona file. `scripts/schemas.py` makes its JSON Schema of it, schemas/persona.json.

What needs a model or the worker's settings to be judged is in agent/live_settings.py.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, PlainValidator, model_validator
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema

from agent.cost_caps import AMOUNT
from agent.eyes import Eyes
from agent.gemini import (
    DETECTION,
    PACED,
    TARGET_LANGUAGE,
    TOP_NAMES,
    VOICES,
    LiveSettingError,
    Pace,
    Turns,
    check_live,
    language_tag,
    live_schema,
    value_at,
    voice_named,
)
from agent.tools.persona_tools import PersonaTools
from configuration import Table, Wanted, sentence

NOT_FOR_INTERPRETERS = (
    *("instructions", "greeting", "welcome_back", "goodbye", "still_there", "voice", "language", "temperature"),
    *("hearing", "eyes", "thinking_sound", "agent", "tools"),
)
"""Keys of a persona file that mean nothing to a model that translates."""


def _voice(text: str) -> str:
    voice = voice_named(text)
    if voice is None:
        raise ValueError(f"{text!r} is none of Gemini's: {', '.join(sorted(VOICES))}")
    return voice


def _language(text: str) -> str:
    tag = language_tag(text)
    if tag is None:
        raise ValueError(f"is {text!r}; it must be a BCP-47 tag such as de-DE")
    return tag


def _live(table: object) -> Mapping[str, Any]:
    try:
        return check_live(table)
    except LiveSettingError as error:
        raise sentence(str(error)) from error


class _LiveSchema:
    """The JSON Schema of a `[live]` table, which is made when it is asked for."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of what `check_live` takes."""
        return live_schema()


class Hearing(Table):
    """`[hearing]`: how the caller's turns are found."""

    pace: Annotated[Pace | None, Wanted("it must be one of patient, normal, quick")] = None
    """`patient` for callers who stop to think, `quick` for short exchanges, `normal` between them."""
    turns: Annotated[Turns, Wanted("it must be automatic or push_to_talk")] = "automatic"
    """Whether Gemini detects the caller's turns, or the caller marks them by a button."""

    @model_validator(mode="after")
    def _has_silences_for_the_pace(self) -> Self:
        if self.turns == "push_to_talk" and self.pace is not None:
            what = f"{{key}} is {self.pace!r}, and turns are push_to_talk"
            raise sentence(f"{what}: no silence ends them; leave pace out", "pace")
        return self


class PersonaFile(Table):
    """A persona of an Earshot worker: who speaks in a call, and how."""

    title: str = ""
    """The name under which the page offers the persona; without it, the file's."""
    instructions: str = ""
    """The description of who the model is, and how it speaks. Every persona needs it, but for an interpreter."""
    greeting: str = ""
    """An instruction for the model's first words; without it the caller begins."""
    welcome_back: str = ""
    """An instruction for the first words of a call that goes on from the caller's last one (RESUME_CALLERS)."""
    goodbye: str = ""
    """An instruction for the model's last words, when the worker ends a call."""
    still_there: str = ""
    """An instruction for the model when nobody has said anything for STILL_THERE_S; if it is empty, the model says nothing."""
    voice: Annotated[
        str,
        AfterValidator(_voice),
        WithJsonSchema({"anyOf": [{"type": "string", "enum": sorted(VOICES)}, {"type": "string"}]}),
    ] = ""
    """One of Gemini's prebuilt voices; without it Puck."""
    language: Annotated[str, AfterValidator(_language)] = ""
    """A BCP-47 tag such as `de-DE`; without it the model follows the caller."""
    model: Annotated[str, AfterValidator(lambda name: name.removeprefix("models/"))] = ""
    """The Gemini Live model of the persona's calls; without it GEMINI_MODEL."""
    temperature: Annotated[float | None, Field(ge=0, le=2), Wanted("it must be a number from 0 to 2")] = None
    """How freely the model chooses its words; without it the model's own temperature."""
    agent: str = ""
    """The class of the persona's agent, `module:Class`; without it that of agent/assistant.py."""
    cost_cap_usd: Annotated[float | None, Field(gt=0, allow_inf_nan=False), Wanted(AMOUNT)] = None
    """A call that has cost so many US dollars ends with a goodbye. COST_CAP_USD may be lower."""
    thinking_sound: Annotated[
        bool | Literal["always"], Wanted('it must be true, false or "always" (on telephones as well)')
    ] = True
    """Whether a soft sound plays while the caller waits for a tool. `"always"`: on telephones as well."""
    record: bool = True
    """Whether the persona's calls may be recorded (RECORD). `false` forbids it."""
    redact: list[str] = Field(default_factory=list)
    """Texts that are left out of what is recorded in writing, as RECORD_REDACT says."""
    hearing: Hearing = Hearing()
    eyes: Eyes = Eyes()
    tools: PersonaTools = PersonaTools()
    live: Annotated[Mapping[str, Any], PlainValidator(_live), _LiveSchema()] = Field(default_factory=dict)
    """Gemini's own settings: google-genai's `LiveConnectConfig` in snake_case (docs/live.md)."""

    @property
    def said(self) -> dict[str, Any]:
        """The keys that the file has, with their values."""
        return {key: getattr(self, key) for key in self.model_fields_set}

    @model_validator(mode="after")
    def _is_one_kind_of_persona(self) -> Self:
        if "translation_config" in self.live:
            self._check_interpreter()
        elif not self.instructions.strip():
            raise sentence("`instructions` is missing: say who the model is")
        return self

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        if self.hearing.turns == "push_to_talk" and (detection := value_at(self.live, DETECTION)):
            key = next(iter(detection))
            reason = 'the caller marks the turns with hearing.turns = "push_to_talk"; leave it out'
            raise sentence(f"live.{DETECTION}.{key} is {detection[key]!r}: {reason}")
        elsewhere = {dotted: f"`{key}` at the top" for key, dotted in TOP_NAMES.items() if key in self.model_fields_set}
        if self.hearing.pace is not None:
            elsewhere |= dict.fromkeys(PACED, "`pace` in [hearing]")
        for dotted, place in elsewhere.items():
            if value_at(self.live, dotted) is not None:
                raise sentence(f"live.{dotted} and {place} of the file say the same thing; leave one out")
        return self

    def _check_interpreter(self) -> None:
        """Refuse what a model that translates doesn't take, beside `[live.translation_config]` (docs/facts.md G80)."""
        in_live = {key for key, dotted in TOP_NAMES.items() if value_at(self.live, dotted) is not None}
        for key in NOT_FOR_INTERPRETERS:
            if key in self.model_fields_set or key in in_live:
                instead = f"write the language as live.{TARGET_LANGUAGE}" if key == "language" else "leave it out"
                shown = f"live.{TOP_NAMES[key]}" if key in in_live else key
                reason = f"can't stand in one file: a model that translates has none; {instead}"
                raise sentence(f"{shown} and [live.translation_config] {reason}")
