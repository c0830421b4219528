"""The delay of the jitter buffer through which the agent's voice comes, by WebRTC's statistics of its track.

The ear hears behind the jitter buffer. A reply's time less this delay is an estimate of when its sound has arrived. Both times
are those of draft-nygate-ippm-mrl (docs/facts.md L490).
"""

import asyncio
import contextlib
from dataclasses import dataclass

from livekit import rtc

_WITHIN_S = 1.0
"""Statistics that take longer are none: the room is being left."""


@dataclass(frozen=True)
class BufferTotals:
    """What the jitter buffer of a track has let through so far."""

    track: str
    """The id of the track, which a buffer belongs to."""
    delay_s: float
    """The sum of the times that the samples have spent in the buffer."""
    samples: int

    def delay_since(self, before: "BufferTotals | None") -> float | None:
        """The mean delay of a sample since then, in seconds. None: it isn't known, or nothing has come."""
        if before is None or before.track != self.track or self.samples <= before.samples:
            return None
        return (self.delay_s - before.delay_s) / (self.samples - before.samples)


async def totals_of(track: rtc.Track) -> BufferTotals | None:
    """The totals of a subscribed track. None: there are none any more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_WITHIN_S):
            try:
                stats = await track.get_stats()
            except Exception:  # noqa: BLE001  rtc has no narrower one: the track is gone
                return None
            for stat in stats:
                if stat.HasField("inbound_rtp"):
                    inbound = stat.inbound_rtp.inbound
                    return BufferTotals(track.sid, inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count)
    return None
