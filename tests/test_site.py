"""The documents' site: every link of its pages leads to a page or a file of it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts import site_pages
from tests.test_architecture import ROOT

LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def test_every_link_of_a_page_leads_to_the_site(tmp_path: Path) -> None:
    site_pages.stage(tmp_path)
    staged = [path for path in tmp_path.rglob("*.md") if path.relative_to(tmp_path).as_posix() in map(str, site_pages.pages())]
    assert len(staged) > 20
    for page in staged:
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"
    assert "async def" in (tmp_path / "agent" / "gemini" / "link.py.md").read_text()


def test_the_navigation_names_pages_that_are_there() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    named = list(site_pages.named(nav))
    assert set(named) <= set(map(str, site_pages.pages()))
    assert len(named) == len(set(named))
    assert {page for page in map(str, site_pages.pages()) if page.startswith("docs/")} <= set(named), "each has its place"


@pytest.mark.long
def test_the_site_is_made() -> None:
    """As `make docs` makes it, with its links and anchors checked."""
    subprocess.run(["make", "docs"], cwd=ROOT, check=True, timeout=110)
    site = ROOT / "build" / "site"
    assert "Troubleshooting" in (site / "index.html").read_text()
    assert "earshot_call" in (site / "docs" / "api.html").read_text()
