"""What the documents say is there: commands, files, settings, events, facts; and no host of a package registry."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent.call.endings import Ending
from agent.gemini import Cause, During, Kind
from agent.settings import Settings
from tests.test_architecture import ROOT, sources
from token_server.settings import TokenServerSettings

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("deploy/**/*.md")])
README = (ROOT / "README.md").read_text()


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


def headings(document: Path) -> set[str]:
    """The names by which links lead to a document's headings, on GitHub and on the site."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_a_heading(document: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*\.md|)#([^)]+)\)", document.read_text()):
        assert anchor in headings(document.parent / target if target else document), f"{target}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"(?:^|[$`] ?|=\d+ )make ([a-z]+)", document.read_text(), re.MULTILINE):
        assert target in targets


def test_settings_of_the_readme_and_of_the_page_about_running_exist() -> None:
    known = {name.upper() for settings in (Settings, TokenServerSettings) for name in settings.model_fields} | {"PORT_BASE"}
    text = README + (ROOT / "docs" / "run.md").read_text()
    named = {name for name in re.findall(r"`([A-Z]+_[A-Z_]+)", text) if not name.startswith("NEXT_PUBLIC_")}
    assert named
    assert named <= known


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    assert len(README.splitlines()) <= 150
    first_screen = "\n".join(README.splitlines()[:50])
    assert "$ make demo" in first_screen
    assert "$ make call" in first_screen
    assert "make test" in first_screen


def told() -> set[str]:
    kinds = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("_events.tell"):
                kinds.add(ast.literal_eval(node.args[0]))
    return kinds


def test_every_event_that_is_told_is_documented() -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \| (?:the|a)", text, re.MULTILINE)) == told()
    for code in [*(ending.name.lower() for ending in Ending), *Kind, *Cause, *During]:
        assert f"`{code}`" in text


def test_every_fact_that_is_cited_is_there() -> None:
    facts = set(re.findall(r"^\| ([LSG]\d+) \|", (ROOT / "docs" / "facts.md").read_text(), re.MULTILINE))
    for path in [*sources(), *(ROOT / "tests").rglob("*.py")]:
        for cited in re.findall(r"docs/facts\.md ((?:[LSG]\d+(?:, )?)+)", path.read_text()):
            assert set(cited.rstrip(", ").split(", ")) <= facts, f"{path.name}: {cited}"


def test_nothing_names_a_package_registry_or_a_path_of_a_machine() -> None:
    hosts = re.compile(r"pypi\.org|pythonhosted|proxy\.golang|registry\.npmjs|deb\.debian|/root/|/work/main")
    for path in tracked():
        if path != Path(__file__) and path.suffix not in {".wav", ".gif"}:
            found = hosts.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path.name}: {found}"


def test_the_lock_has_every_dependency_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    for wanted in [*project["project"]["dependencies"], *extras["sip"], *project["dependency-groups"]["dev"]]:
        name = re.split("[=<>]", wanted)[0]
        assert re.search(rf"^{name}==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE), name
