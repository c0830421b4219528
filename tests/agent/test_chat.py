"""Chat in data packets: what is a line, and that nothing else is, whatever is sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chat import LONGEST_LINE, message_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["message", "id", "ignoreLegacy"]), inner),
    max_leaves=10,
)


def test_a_line_and_its_id() -> None:
    assert message_of(b'{"id": "7", "message": "hello", "timestamp": 1}') == ("hello", "7")
    assert message_of(b'{"message": "hello"}') == ("hello", "")


TOO_LONG = json.dumps({"message": "x" * 8 * LONGEST_LINE}).encode()
BOTH = b'{"message": "as a stream as well", "ignoreLegacy": true}'


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff", b'"hello"', b"[1]", b"{}", b'{"message": 5}', b"[" * 9000, BOTH, TOO_LONG]
)
def test_what_is_no_line_is_passed_over(data: bytes) -> None:
    assert message_of(data) is None


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_bounded_line_or_nothing(data: bytes) -> None:
    message = message_of(data)
    if message is not None:
        text, message_id = message
        assert len(text) <= LONGEST_LINE
        text.encode()
        assert len(message_id) <= 100


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert message_of(b'{"message": "a\\ud800b"}') == ("a?b", "")
