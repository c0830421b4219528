"""The text streams of a call: captions and the agent's events, read into the caller's own."""

import json
import logging
import time
from collections.abc import Callable
from typing import Literal

from livekit import rtc

from caller.events import Caption, Event, RoomEvent

TOPIC_CAPTIONS = "lk.transcription"
TOPIC_CHAT = "lk.chat"
TOPIC_EVENTS = "earshot.events"

logger = logging.getLogger(__name__)


async def read_caption(reader: rtc.TextStreamReader, who: Literal["caller", "agent"], tell: Callable[[Event], None]) -> None:
    """Tell a `Caption` for each part of a stream, and a final one if it ends as such."""
    segment = (reader.info.attributes or {}).get("lk.segment_id", reader.info.stream_id)
    text = ""
    try:
        async for part in reader:
            text += part
            tell(Caption(time.monotonic(), who, segment, text, final=False))
    except ConnectionError:
        return  # the room was left in the middle of a caption
    if (reader.info.attributes or {}).get("lk.transcription_final") == "true":
        tell(Caption(time.monotonic(), who, segment, text, final=True))


async def read_event(reader: rtc.TextStreamReader, tell: Callable[[Event], None]) -> None:
    """Tell a `RoomEvent`."""
    try:
        body = json.loads(await reader.read_all())
    except ConnectionError:
        return
    except ValueError:
        logger.warning("the agent sent an event that is no JSON")
        return
    tell(RoomEvent(time.monotonic(), body))
