"""Measures a call's latencies by its sound alone: an answer to whoever doubts its `summary.json`.

The method is that which SignalWire's open latency_checker publishes: the loudness of each channel in chunks of 10 ms, a
beginning and an end that last for some chunks, and each end of the caller's speech with the next beginning of the agent's. Two
of its steps are left out. The channels are apart at their source, so there is no crosstalk to be removed. An end is the last
loud chunk, and not the last one that is ten times as loud.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from records.call_folder import SUMMARY, TIMELINE, CallFolder
from records.latency import Response, greeting_latency_s, responses
from records.sound import blocks
from records.stereo_wav import LEFT, RIGHT
from records.summary import CallSummary, Latency, from_json, latency
from records.voice_spans import CHUNK_S, Span, VoiceSpans, levels

_BACKGROUND_LEVEL = 700.0
"""The soft sound while a tool runs is quieter, and a voice is louder."""


@dataclass(frozen=True)
class MeasuredLatencies:
    """The latencies of a call, by its sound."""

    caller: list[Span]
    """When the caller speaks."""
    agent: list[Span]
    """When the agent speaks."""
    responses: list[Response]
    greeting_latency_s: float | None
    """None: the agent hasn't begun the call, or it has no timeline, which says when the caller came."""

    @property
    def response_latency(self) -> Latency | None:
        return latency([each.latency_s for each in self.responses])


def measure(folder: CallFolder) -> MeasuredLatencies:
    """The latencies of a recorded call.

    Raises:
        NoRecordError: it has no sound that can be read.
    """
    came_s, background = _timeline(folder.read(TIMELINE))
    caller, agent = _voices(folder, background)
    greeting_s = None if came_s is None else greeting_latency_s(came_s, caller, agent)
    return MeasuredLatencies(caller, agent, responses(caller, agent), greeting_s)


def as_text(found: MeasuredLatencies, summary: CallSummary) -> str:
    """The latencies, beside those that the worker has measured in the call."""
    replies = [f"{each.asked_s:8.2f} s -> {each.replied_s:8.2f} s: {each.latency_s:.3f} s" for each in found.responses]
    greeting = [_greeting(each.greeting_latency_s) for each in (found, summary)]
    return "\n".join(
        (
            *replies,
            f"response latency: {_spread(found.response_latency)}; {SUMMARY}: {_spread(summary.response_latency)}",
            f"greeting latency: {greeting[0]}; {SUMMARY}: {greeting[1]}",
        )
    )


def as_json(found: MeasuredLatencies, summary: CallSummary) -> str:
    """The measured latencies beside those of the summary, as a JSON object for programs."""
    by_sound = found.response_latency
    in_call = summary.response_latency
    return json.dumps(
        {
            "responses": [
                {"asked_s": round(each.asked_s, 3), "replied_s": round(each.replied_s, 3)} for each in found.responses
            ],
            "response_latency": None if by_sound is None else by_sound.model_dump(),
            "greeting_latency_s": None if found.greeting_latency_s is None else round(found.greeting_latency_s, 3),
            "summary": {
                "response_latency": None if in_call is None else in_call.model_dump(),
                "greeting_latency_s": summary.greeting_latency_s,
            },
        },
        indent=1,
    )


def summary_of(folder: CallFolder) -> CallSummary:
    """The summary of a recorded call.

    Raises:
        NoRecordError: it has none that can be read.
    """
    return from_json(folder.read(SUMMARY))


def _voices(folder: CallFolder, background: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """The stretches in which the caller speaks, and those in which the agent does."""
    caller, agent = VoiceSpans(), VoiceSpans()
    length_s = 0.0
    for rate_hz, both in blocks(folder):
        caller.hear_levels(levels(both[:, LEFT], rate_hz).tolist(), length_s)
        heard = levels(both[:, RIGHT], rate_hz)
        agent.hear_levels(_without(background, heard, length_s).tolist(), length_s)
        length_s += len(both) / rate_hz
    for voice in (caller, agent):
        voice.passed(length_s)
    return caller.spans, agent.spans


def _without(background: Sequence[Span], heard: npt.NDArray[np.float32], begins_s: float) -> npt.NDArray[np.float32]:
    """The loudness of chunks, with silence where only the soft sound while a tool runs is heard."""
    at_s = begins_s + CHUNK_S * np.arange(len(heard))
    for span in background:
        plays = (span.start_s - CHUNK_S <= at_s) & (at_s < span.end_s + CHUNK_S)
        heard = np.where(plays & (heard < _BACKGROUND_LEVEL), 0, heard)
    return heard


def _timeline(text: str) -> tuple[float | None, list[Span]]:
    """The time at which the caller came, and the stretches of the soft sound, as the timeline has them."""
    came_s, background = None, []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        match event:
            case {"type": "caller", "t": float(at) | int(at)} if came_s is None:
                came_s = float(at)
            case {"type": "background", "t": float(at) | int(at), "until_s": float(until) | int(until)}:
                background.append(Span(at, until))
    return came_s, background


def _spread(found: Latency | None) -> str:
    return "none" if found is None else f"p50 {found.p50_s:.3f} s, p95 {found.p95_s:.3f} s, {found.turns} turns"


def _greeting(found_s: float | None) -> str:
    return "none" if found_s is None else f"{found_s:.3f} s"
