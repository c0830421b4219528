"""What is left out of what is recorded in writing."""

import json
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.redaction import Redaction


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("My card is 4111 1111 1111 1111, thanks.", "My card is [number], thanks."),
        ("Call +49 (0)30 / 123-4567 now", "Call [number] now"),
        ("It is 1234567.", "It is [number]."),
        ("It is 123456.", "It is 123456."),
        ("Write to jo.doe+x@mail.example.org, please", "Write to [e-mail], please"),
        ("On 2026-11-29 at 10:30", "On 2026-11-29 at 10:30"),
        ("On 2026-11-29 10:30", "On 2026-11-29 10:30"),
        ("function call_12345678", "function call_[number]"),
        ("sip_+4930123456", "sip_[number]"),
        ("My name is JANE doe.", "My name is [redacted]."),
        ("My name is Jane\nDoe.", "My name is [redacted]."),
        ("4111, 1111, 1111, 1111", "[number]"),
        ("4111 | 1111\n1111\n1111", "[number]"),
        ("4111_1111_1111_1111", "[number]"),
        ("card=4111%201111%201111%201111", "card=[number]"),
        (r"card:\n4111\n1111\u00a01111", r"card:\n[number]"),
        ("DE89370400440532013000", "DE[number]"),
        ("GB29 NWBK 6016 1331 9268 19", "GB29 NWBK [number]"),
        ("no.4111111111111111x", "no.[number]x"),
        ("It costs £1,234,567.", "It costs £[number]."),
        ("\u0664\u0661\u0661\u0661\u0661\u0661\u0661", "[number]"),
        ("3.14159265", "[number]"),
        ("[0.412, 0.733]", "[[number]]"),
        ("to=ann%40example.com", "to=[e-mail]"),
        ("On 2026-11-29, 2026-11-30 09:00", "On 2026-11-29, 2026-11-30 09:00"),
        ("On 2026-11-29 4111", "On [number]"),
        ("20261129T073013Z-2b436234", "20261129T073013Z-2b436234"),
        ("trace 01234567890123450123456789abcdef", "trace 01234567890123450123456789abcdef"),
        ("job 01234567-8901-2345-0123-456789abcdef", "job 01234567-8901-2345-0123-456789abcdef"),
        ("account 0123456789012345012345678901234a", "account [number]"),
        ("RM_uMjStk8pYum8", "RM_uMjStk8pYum8"),
    ],
)
def test_long_numbers_addresses_and_listed_texts_go(text: str, kept: str) -> None:
    assert Redaction(["Jane", "Jane Doe"]).text(text) == kept


def test_values_in_json_are_read_and_names_stay() -> None:
    event = {"type": "usage", "t": 1234567.5, "1234567": [{"result": "a@b.example", "count": 12345678, "phone": 12345678}]}
    assert Redaction().value(event) == {
        "type": "usage",
        "t": 1234567.5,
        "1234567": [{"result": "[e-mail]", "count": 12345678, "phone": "[number]"}],
    }


_CATEGORIES: Final = ("Pd", "Zs")
"""Unicode's dashes and spaces."""
_SIGNS = [*map(chr, range(sys.maxunicode + 1))]
_BETWEEN = [*(sign for sign in _SIGNS if unicodedata.category(sign) in _CATEGORIES), *"\n\t.,|_/()+", ", ", " | ", " \u2013 "]


@given(
    st.text(max_size=20),
    st.integers(10**6, 10**18),
    st.sampled_from(["", *_BETWEEN]),
    st.sampled_from([str, json.dumps, lambda text: json.dumps({"note": text, "more": [json.dumps(text)]})]),
    st.text(max_size=20),
)
def test_no_number_of_seven_digits_stays(
    before: str, number: int, between: str, form: Callable[[str], str], after: str
) -> None:
    """Whatever stands around it, and whatever people and programs write between its digits, also in JSON."""
    written = between.join(str(number))
    told = Redaction().text(form(before + written + after))
    for each in (written, json.dumps(written)[1:-1]):
        assert each not in told


@pytest.mark.parametrize("sign", _BETWEEN, ids=ascii)
def test_dashes_spaces_and_other_signs_may_stand_between_digits(sign: str) -> None:
    assert Redaction().text(f"It is {sign.join('4111')}{sign}1111.") == "It is [number]."


def test_json_is_read_before_listed_texts_are_looked_for() -> None:
    redaction = Redaction(["J\u00fcrgen Meyer"])
    told = redaction.text(json.dumps({"who": "J\u00fcrgen\nMeyer", "id": 7}))
    assert told == '{"who": "[redacted]", "id": 7}'
    untouched = '{"day":"Monday","t":1.50}'
    assert redaction.text(untouched) == untouched


def test_half_of_a_surrogate_pair_in_json_does_not_come_out_of_its_escape() -> None:
    told = Redaction().text('{"\u00fc": "\\ud83d 4111111111111111"}')
    assert told.encode() == '{"\u00fc": "? [number]"}'.encode()


@pytest.mark.parametrize("text", ["[" * 80_000, "{" * 80_000, "x" * 80_000, "1," * 40_000, '"' + "\\" * 79_999, "a@" * 40_000])
def test_a_long_text_is_read_in_bounded_time(text: str) -> None:
    """A call's sound waits meanwhile. The local part of an e-mail address has a bound for it."""
    started = time.process_time()
    Redaction(["Jane"]).text(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("address", ["192.168.100.200", "10.20.30.255", "172.16.254.1/16"])
def test_addresses_of_machines_stay_where_they_are_of_use(address: str) -> None:
    assert Redaction(keeps_ip_addresses=True).text(f"ws://{address}:7880") == f"ws://{address}:7880"
    assert Redaction().text(f"ws://{address}:7880") == "ws://[number]:7880"


@pytest.mark.parametrize("number", ["030.123.45.67", "300.123.45.67", "10.20.30.40.50", "10.20.30.40 50", "+10.20.30.40"])
def test_a_number_of_a_telephone_is_no_address(number: str) -> None:
    assert Redaction(keeps_ip_addresses=True).text(number) == "[number]"
