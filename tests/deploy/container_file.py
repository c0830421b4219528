"""Reads a container file (Dockerfile) and .dockerignore. Knows the instructions that ours use, and refuses all others."""

import fnmatch
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.test_architecture import ROOT

CONTAINER_FILES = (ROOT / "Dockerfile", ROOT / "deploy" / "token_server.Dockerfile")
_KNOWN = {"COPY", "RUN", "WORKDIR", "ENV", "USER", "EXPOSE", "CMD"}


@dataclass(frozen=True)
class Step:
    """One instruction of a stage."""

    instruction: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments of COPY, ENV or CMD: as JSON if they are written so."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)

    @property
    def copied_from(self) -> str | None:
        """The stage that a COPY copies from; None for the context."""
        first = self.words[0]
        return first.removeprefix("--from=") if first.startswith("--from=") else None

    @property
    def copied(self) -> tuple[list[str], str]:
        """The sources and the target of a COPY."""
        *sources, target = [word for word in self.words if not word.startswith("--")]
        return sources, target


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def all(self, instruction: str) -> list[Step]:
        return [step for step in self.steps if step.instruction == instruction]

    @property
    def environment(self) -> dict[str, str]:
        pairs = [word.partition("=") for step in self.all("ENV") for word in step.words]
        return {name: value for name, _, value in pairs}

    @property
    def sources(self) -> list[str]:
        """What it copies from the context."""
        return [source for step in self.all("COPY") if step.copied_from is None for source in step.copied[0]]


def read_stages(path: Path) -> list[Stage]:
    """The stages of a container file."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        instruction, _, text = line.partition(" ")
        if instruction == "FROM":
            base, _, name = text.partition(" AS ")
            stages.append(Stage(name, base))
        elif instruction:
            assert instruction in _KNOWN, f"{path.name}: {instruction} is not known here"
            stages[-1].steps.append(Step(instruction, text))
    return stages


def ignored_patterns() -> list[str]:
    """The lines of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore leaves out a path of the context. Each of its lines is `**/` and one name."""
    names = [pattern.removeprefix("**/") for pattern in ignored_patterns()]
    return any(fnmatch.fnmatchcase(part, name) for part in PurePosixPath(path).parts for name in names)
