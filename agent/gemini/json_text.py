r"""JSON as it is on the wire, with valid Unicode in both directions. Pure.

Half of a surrogate pair is what is left of an emoji that was cut in two. JSON can write it ("\ud83d"), `json.loads` lets it
through, and neither UTF-8 nor the service takes it: the service closes the connection with 1007. Each half is replaced by
U+FFFD, Unicode's replacement character.
"""

import binascii
import json
import re
from typing import Any

from pydantic_core import from_json

_HALVES = re.compile(r"[\ud800-\udfff]")


def encoded(message: object) -> bytes:
    """A message for the service, in UTF-8. It has no halves of surrogate pairs, wherever they were in `message`."""
    return _HALVES.sub("\ufffd", json.dumps(message, ensure_ascii=False)).encode()


def decoded(frame: bytes) -> tuple[Any, bool]:
    """A frame of the service: its value, and whether its text was valid. What was not is replaced by U+FFFD.

    Raises:
        ValueError: the frame is no JSON.
    """
    try:
        return from_json(frame), True
    except ValueError:
        pass  # also for halves of pairs, and bytes that are no UTF-8, which only cost the characters that they stand for
    try:
        return from_json(encoded(json.loads(frame.decode(errors="replace")))), False
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def from_base64(text: str) -> bytes:
    """Bytes as protobuf's JSON has them: base64 of either alphabet, padded or not.

    Raises:
        ValueError: it is anything else.
    """
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    if len(text) % 4 and not text.endswith("="):
        text += "=" * (-len(text) % 4)
    return binascii.a2b_base64(text, strict_mode=True)
