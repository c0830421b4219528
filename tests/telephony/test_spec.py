"""telephony.toml: what is written is what is read; of any bytes comes a file or our error."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.persona import load as load_persona
from agent.settings import Settings
from configuration import decoded
from telephony.errors import SpecError
from telephony.reading import load_spec, parse
from telephony.toml_lines import line_of, positions
from tests.telephony.files import EXAMPLE, GOOD, PIN_RULE
from tests.telephony.test_mistakes import mistakes


def test_the_example_can_be_used_and_fits_the_worker() -> None:
    spec = load_spec(EXAMPLE)
    defaults = Settings.model_fields
    assert spec.agent == defaults["agent_name"].default
    for rule in spec.rule:
        if rule.persona is not None:
            assert load_persona(rule.persona, defaults["personas_dir"].default).name == rule.persona
    assert spec.line.rtp_range == range(20000, 20401)
    assert {trunk.name for trunk in spec.inbound} == {"carrier", "pbx"}


def test_a_short_file_has_safe_defaults() -> None:
    spec = parse(GOOD.encode())
    assert (spec.line.host, spec.line.port, spec.line.most_calls) == ("127.0.0.1", 5060, 10)
    assert (spec.rule[0].kind, spec.rule[0].randomize, spec.inbound[0].ringing_timeout_s) == ("individual", True, 20)
    assert parse(b"").inbound == []


def test_all_mistakes_are_named_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(SpecError) as caught:
        parse((GOOD.replace("203.0.113.0/24", "x/1") + 'pin = "?"\n').encode(), "deploy/phone.toml")
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == ["deploy/phone.toml:4:", "deploy/phone.toml:9:"]


@pytest.mark.parametrize(
    "written",
    ['auth_password = "hush-hush"', 'auth_password_env = "hush-hush"', 'password = "hush-hush"', 'secret = "hush-hush"'],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(written: str) -> None:
    [told] = mistakes(GOOD.replace("allowed_addresses", f"{written}\nallowed_addresses"))
    assert told.line == 4
    assert "hush" not in str(told)
    assert "environment" in told.sentence


def test_a_third_rule_settles_a_tie() -> None:
    """The rule with both filters is the most special one for a call to that number by that caller."""
    tie = GOOD + 'numbers = ["+15550002222"]\n[[rule]]\nname = "again"\ntrunks = ["carrier"]\ncallers = ["alice"]\n'
    third = '[[rule]]\nname = "both"\ntrunks = ["carrier"]\nnumbers = ["+15550002222"]\ncallers = ["alice"]\n'
    assert len(parse((tie + third).encode()).rule) == 3


def test_a_missing_file_is_named_with_an_example() -> None:
    with pytest.raises(SpecError, match=r"nowhere\.toml:1: it can't be read: No such file.*deploy/sip/telephony\.toml"):
        load_spec(Path("nowhere.toml"))


def test_lines_are_those_of_the_statements() -> None:
    text = 'a = """\n[x]\n"""\n\nb.c = [\n  1, # [y]\n]\n[[t]]\nk = { z = 1 }\n\n[t.sub]\n  m = 1\n'
    text += '[[t]]\r\nk = 2\n["t".sub]\nm=2\n'
    found = positions(text)
    assert {path: found[path] for path in found if path} == {
        ("a",): 1,
        ("b",): 5,
        ("b", "c"): 5,
        ("t", 0): 8,
        ("t", 0, "k"): 9,
        ("t", 0, "k", "z"): 9,
        ("t", 0, "sub"): 11,
        ("t", 0, "sub", "m"): 12,
        ("t", 1): 13,
        ("t", 1, "k"): 14,
        ("t", 1, "sub"): 15,
        ("t", 1, "sub", "m"): 16,
    }
    assert line_of(("t", 1, "k", 5), found) == 14


PIECES = st.sampled_from(
    [
        *(GOOD + PIN_RULE).splitlines(keepends=True),
        *("[line]\n", 'host = "::"\n', 'kind = "direct"\n', 'room = "x"\n', "numbers = [\n1\n]\n", 'callers = ["alice"]\n'),
        *("inbound = {}\n", "rule = [1]\n", "[", "]", '"', "\\", "=", "\n", "\r", "é"),
    ]
)


def sane_or_named(content: bytes) -> None:
    try:
        spec = parse(content)
    except SpecError as error:
        assert error.mistakes
        for mistake in error.mistakes:
            assert 1 <= mistake.line <= content.count(b"\n") + content.count(b"\r") + 1
            assert mistake.sentence
    else:
        assert spec == parse(content)
        assert tomllib.loads(decoded(content, "")) is not None


@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbfagent = 1")
@example(b"agent = " + b"9" * 5000)
@example(b"a.b.c = 1\n[[rule]]\nx.y = 1")
@example(b"line = [[1]]")
@example(b"[inbound.x]\ny=1")
def test_any_bytes_are_a_file_or_our_error(content: bytes) -> None:
    sane_or_named(content)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_order_of_pieces_is_a_file_or_our_error(text: str) -> None:
    sane_or_named(text.encode())
