"""What is left out of what is recorded in writing."""

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
        ("function call_12345678", "function call_12345678"),
        ("sip_+4930123456", "sip_+[number]"),
        ("My name is JANE doe.", "My name is [redacted]."),
    ],
)
def test_long_numbers_addresses_and_listed_texts_go(text: str, kept: str) -> None:
    assert Redaction(["Jane", "Jane Doe"]).text(text) == kept


def test_values_in_json_are_read_and_names_stay() -> None:
    event = {"type": "usage", "t": 1234567.5, "1234567": [{"result": "a@b.example", "count": 12345678}]}
    assert Redaction().value(event) == {
        "type": "usage",
        "t": 1234567.5,
        "1234567": [{"result": "[e-mail]", "count": 12345678}],
    }


@given(st.text(alphabet="ab .,", max_size=9), st.integers(10**6, 10**18), st.text(alphabet=" ,!?", max_size=5))
def test_no_number_of_seven_digits_stays(before: str, number: int, after: str) -> None:
    """Whatever stands around it, but for letters and points that make it a part of a name."""
    text = f"{before} {number}{after}"
    assert str(number) not in Redaction().text(text)


@pytest.mark.parametrize("address", ["192.168.100.200", "10.20.30.255", "172.16.254.1/16"])
def test_addresses_of_machines_stay_where_they_are_of_use(address: str) -> None:
    assert Redaction(keeps_ip_addresses=True).text(f"ws://{address}:7880") == f"ws://{address}:7880"
    assert Redaction().text(f"ws://{address}:7880") == "ws://[number]:7880"


@pytest.mark.parametrize("number", ["030.123.45.67", "300.123.45.67", "10.20.30.40.50"])
def test_a_number_of_a_telephone_is_no_address(number: str) -> None:
    assert Redaction(keeps_ip_addresses=True).text(number) == "[number]"
