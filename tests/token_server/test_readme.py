"""The token server's README names every refusal that the source has, and only settings that there are."""

import re

from tests.test_architecture import ROOT
from token_server.settings import TokenServerSettings

PACKAGE = ROOT / "token_server"
README = (PACKAGE / "README.md").read_text()
CODE = r'"([a-z]+(?:_[a-z]+)*)"'


def refused_with() -> set[str]:
    source = "\n".join(path.read_text() for path in PACKAGE.glob("*.py"))
    raised = re.findall(rf"RefusedError\(\s*\d+,\s*{CODE}", source)
    answered = re.findall(rf"\d+: \({CODE}, ", source) + re.findall(rf'"code": {CODE}', source)
    said = re.findall(rf'_unavailable\({CODE}|say_and_close\(\d+, "[\w ]+", {CODE}', source)
    return {*raised, *answered, *(code for codes in said for code in codes if code)}


def test_every_refusal_is_in_the_table() -> None:
    table = README.partition("## Refusals")[2]
    documented = {code for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    assert len(documented) >= 20
    assert documented == refused_with() | {"unauthorized"}


def test_settings_of_the_readme_exist() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)", README))
    assert named
    assert named <= {name.upper() for name in TokenServerSettings.model_fields}
