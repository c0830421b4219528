"""The settings of `python -m records`: the workers' own, from the environment and `.env`. The environment wins."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from configuration import Folder, ValueMistakeError, read_model, values
from records.errors import SettingsError
from records.retention import Retention


class RecordSettings(BaseModel):
    """Where recorded calls are, and how long they are kept. Names are those of the environment, in lower case."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    record_dir: Folder | None = None
    record_format: Annotated[Literal["wav", "opus"], BeforeValidator(str.lower)] = "wav"
    record_s3: str | None = None
    record_s3_endpoint: str | None = None
    record_s3_delete: Literal["on", "off"] = "off"
    record_keep_days: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    record_keep_gb: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @property
    def calls(self) -> Path:
        """The folder of all calls.

        Raises:
            SettingsError: no setting names it.
        """
        if self.record_dir is None:
            raise SettingsError("RECORD_DIR", None, "set it to the folder in which the workers record calls")
        return self.record_dir

    @property
    def retention(self) -> Retention:
        return Retention(self.record_keep_days, self.record_keep_gb)


def read_settings(env_file: Path | str | None = ".env", **given: object) -> RecordSettings:
    """Read the settings; `given` values win over the environment.

    Raises:
        SettingsError: a value that can't be used. The first one, in one sentence.
        FileError: `.env` can't be read.
    """
    try:
        return read_model(RecordSettings, values(os.environ, env_file), given)
    except ValueMistakeError as mistake:
        raise SettingsError(mistake.name, mistake.shown, mistake.fix) from None
