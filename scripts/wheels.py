"""`make dist`: makes a project of each folder of wheels/, in build/, which `uv build` then builds.

In this repository packages have short names, such as `emulator` and `speech`. In other people's environments short names
collide, and two wheels can't both have a package `speech`. A wheel therefore has one package, such as `earshot_emulator`, which
contains the others. Imports are renamed to suit, and `python -m emulator` in texts becomes the command `earshot-emulator`.
"""

import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
LICENCES = ("LICENSE", "THIRD_PARTY_NOTICES.md")


def stage(project: Path, into: Path) -> Path:
    """Make the project that `uv build` builds, in a folder of the same name; returns that folder.

    Args:
        project: a folder of wheels/.
        into: where the new folder is made; an older one of that name is replaced.
    """
    earshot = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["earshot"]
    names: Mapping[str, str] = earshot["packages"]
    own = next(iter(names))
    staged = into / project.name
    shutil.rmtree(staged, ignore_errors=True)
    for folder, name in names.items():
        for source in sorted((ROOT / folder).rglob("*.py")):
            copy = staged / "src" / name.replace(".", "/") / source.relative_to(ROOT / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = renamed(source.read_text(encoding="utf-8"), names)
            copy.write_text(text.replace(f"python -m {own}", project.name), encoding="utf-8")
    (staged / "src" / names[own] / "py.typed").touch()
    readme = renamed((ROOT / earshot["readme"]).read_text(encoding="utf-8"), names)
    readme = without_links(readme).replace(f"python -m {own}", project.name)
    (staged / "README.md").write_text(readme, encoding="utf-8")
    for path in (project / "pyproject.toml", *(ROOT / name for name in LICENCES)):
        shutil.copy(path, staged)
    return staged


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text whose lines `from emulator.x import y` have the names of the wheel."""
    return re.sub(rf"^( *from )({'|'.join(names)})(?=[. ])", lambda found: found[1] + names[found[2]], text, flags=re.MULTILINE)


def without_links(text: str) -> str:
    """A text without its links to files of the repository, which lead nowhere outside of it."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)", r"\1", text)


def main() -> None:
    """Make all projects."""
    into = ROOT / sys.argv[1]
    for pyproject in sorted((ROOT / "wheels").glob("*/pyproject.toml")):
        stage(pyproject.parent, into)


if __name__ == "__main__":
    main()
