"""The pages of the documents' site: all Markdown of the repository, and the files that it links to.

mkdocs runs this as a hook (mkdocs.yml).
"""

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
_POINTERS = {"CLAUDE.md", "GEMINI.md"}
"""Files that only name AGENTS.md."""
_PICTURES = {".png", ".jpg", ".gif", ".svg", ".webp"}
_LANGUAGES = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".js": "javascript", ".json": "json"}


def on_config(config: Any) -> Any:
    """Make the folder of pages, and list those that mkdocs.yml doesn't name under "More". mkdocs calls this."""
    folder = Path(config["docs_dir"])
    shutil.rmtree(folder, ignore_errors=True)
    stage(folder)
    listed = set(named(config["nav"]))
    more = [page for page in map(str, pages()) if page not in listed]
    config["nav"] = [*config["nav"], *([{"More": more}] if more else [])]
    return config


def stage(folder: Path) -> None:
    """Copy the pages and what they link to into a folder, each to its place in the repository.

    A source file becomes a page that shows it, so that a link to it can be read in a browser.
    """
    for page in pages():
        text = _readable((ROOT / page).read_text(encoding="utf-8"))
        _write(folder / page, _LINK.sub(functools.partial(_staged, page=page, folder=folder), text))


def pages() -> list[PurePosixPath]:
    """The Markdown files of the repository, without those that only name another."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(PurePosixPath(name) for name in found.split("\0") if name not in {"", *_POINTERS} and (ROOT / name).is_file())


def _staged(link: re.Match[str], page: PurePosixPath, folder: Path) -> str:
    """A link as it is on the site; what it leads to is there as well."""
    target, anchor = link[1], link[2] or ""
    path = (ROOT / page.parent / target).resolve()
    inside = PurePosixPath(path.relative_to(ROOT).as_posix())
    if path.suffix == ".md":
        return link[0]
    if path.is_dir():
        return f"]({target.rstrip('/')}/README.md{anchor})" if (path / "README.md").is_file() else "]"
    if path.suffix in _PICTURES:
        (folder / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / inside)
        return link[0]
    shown = inside.with_name(f"{inside.name.lstrip('.')}.md")
    language = _LANGUAGES.get(path.suffix, "text")
    _write(folder / shown, f"# {inside}\n\n````{language}\n{path.read_text(encoding='utf-8').rstrip()}\n````\n")
    return f"]({PurePosixPath(target).with_name(shown.name)})"


def _readable(text: str) -> str:
    """Markdown within `<details>`, which GitHub reads by itself."""
    return text.replace("<details>", '<details markdown="1">')


def named(nav: Any) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else []:
        yield from named(each)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
