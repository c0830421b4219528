"""The forms of the worker's settings that need more than a type: words, amounts, and files that a setting names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from agent.gemini import LiveSettingError, LiveTable, ModelPrices, check_live, check_name, price_table
from configuration import FileError, Folder, parsed_toml, read_text

_LEVELS = {"TRACE": "DEBUG", "NOTSET": "DEBUG", "VERBOSE": "DEBUG", "INFORMATION": "INFO", "NOTICE": "INFO"}
_LEVELS |= {"WARNING": "WARN", "ERR": "ERROR", "FATAL": "CRITICAL", "CRIT": "CRITICAL"}
_LEVELS |= {"10": "DEBUG", "20": "INFO", "30": "WARN", "40": "ERROR", "50": "CRITICAL"}

T = TypeVar("T")
Seconds = Annotated[int, Field(gt=0, le=24 * 3600)]
Usd = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
"""An amount of US dollars."""


def level(value: object) -> object:
    """The name that LiveKit's command line knows, of a level's usual names; anything else as it is."""
    upper = str(value).upper()
    return _LEVELS.get(upper, upper if upper in {"DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"} else value)


def switch(value: object) -> object:
    """`on` or `off`, of a switch's usual words; anything else as it is."""
    lower = str(value).lower()
    return {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}.get(lower, lower)


def message_content(value: object) -> object:
    """`on` or `off`, of a switch's words, and of those that OpenTelemetry's libraries know for the same variable."""
    known = {"span_only": "on", "span_and_event": "on", "event_only": "off", "no_content": "off"}
    return known.get(str(value).lower(), switch(value))


def words(value: object) -> object:
    """Words in small letters, comma-separated; `off` and `none` are no words."""
    if not isinstance(value, str):
        return value
    found = tuple(dict.fromkeys(word.strip().lower() for word in value.split(",") if word.strip()))
    return () if found in {("off",), ("none",)} else found


def listed(value: object) -> object:
    """Texts, comma-separated."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def model_name(value: object) -> object:
    return value.removeprefix("models/") if isinstance(value, str) else value


_HEARING = ("hearing", "hearing.turns")


def dotted_names(value: object) -> object:
    """Dotted names of a `[live]` table, or `hearing.turns`, comma-separated."""
    if not isinstance(value, str):
        return value
    names = [name.strip().removeprefix("live.") for name in value.split(",") if name.strip()]
    try:
        return tuple(name if name in _HEARING else check_name(name) for name in names)
    except LiveSettingError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class SettingFile(Generic[T]):
    """A file that a setting names, read."""

    path: Path
    content: T


def _file(read: Callable[[dict[str, Any]], object], form: str) -> BeforeValidator:
    """A validator that reads the TOML file at a path.

    Args:
        read: Makes the content of the document; raises ValueError or LiveSettingError for one that can't be used.
        form: What the file is, as the end of a sentence.
    """

    def validate(value: object) -> object:
        if not isinstance(value, str | Path):
            return value
        try:
            path = Path(value).expanduser()
            return SettingFile(path, read(parsed_toml(read_text(path), path.name)))
        except FileNotFoundError:
            raise ValueError(f"there is no such file; it is TOML with {form}") from None
        except (FileError, LiveSettingError, RuntimeError) as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(validate)


def _live(document: dict[str, Any]) -> LiveTable:
    if set(document) != {"live"}:
        raise ValueError("it must have a table [live], as a persona file has, and nothing else")
    return check_live(document["live"])


LiveFile = Annotated[SettingFile[LiveTable] | None, _file(_live, "a table [live]")]
"""The file of GEMINI_LIVE_CONFIG: its `[live]` table."""
PriceFile = Annotated[
    SettingFile[Mapping[str, ModelPrices]] | None, _file(price_table, "tables [[prices]], as agent/gemini/prices.toml has")
]
"""The file of GEMINI_PRICES: prices by the model's name."""


class RecordingSettings(BaseModel):
    """The settings of recorded calls (docs/records.md)."""

    record: Annotated[tuple[Literal["audio", "transcript", "timeline"], ...], BeforeValidator(words)] = ()
    """What is recorded of each call: audio, transcript, timeline, comma-separated. A persona and a dispatch may forbid it."""
    record_dir: Folder | None = None
    """The folder in which RECORD makes a folder for each call."""
    record_redact_sound: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "off"
    """Whether the sound of what was said is silenced where RECORD_REDACT leaves out words: the whole line."""
    record_format: Annotated[Literal["wav", "opus"], BeforeValidator(str.lower)] = "wav"
    """How the sound of a call is kept: `opus`, its WAV file is replaced by Opus in Ogg when the call is over."""
    record_notice: Annotated[Literal["on", "tone", "off"], BeforeValidator(switch)] = "on"
    """How the caller is told that the call is recorded: `on`, the model is asked to say it first; `tone`, two beeps."""
    record_redact: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "on"
    """Whether long numbers, e-mail addresses and what a persona lists are left out of transcripts and timelines."""
    record_s3: str | None = None
    """The S3 bucket, or a folder in it, into which calls are copied when they are over, such as s3://calls/earshot."""
    record_s3_endpoint: str | None = None
    """The URL of that storage, if it isn't Amazon's, such as https://minio.example.com."""
    record_s3_delete: Annotated[Literal["on", "off"], BeforeValidator(switch)] = "off"
    """Whether a call's folder in RECORD_DIR is deleted once RECORD_S3 has all its files."""
    record_keep_days: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Recorded calls that are older, in days, are deleted. Without it none is for its age."""
    record_keep_gb: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """When recorded calls take more space, in GB, the oldest are deleted. Without it none is for its size."""
