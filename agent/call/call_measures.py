"""Measures a call by the events that its room is told (docs/events.md). Pure: events in, measurements out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agent.call.endings import Ending
from agent.call_metrics import CallMetric, Measurement


class CallMeasures:
    """The measurements of one call."""

    def __init__(self, model: str, send: Callable[[Iterable[Measurement]], object]) -> None:
        """Measure nothing yet.

        Args:
            model: the name of the call's model, by which tokens and costs are counted.
            send: takes the measurements, at once.
        """
        self._model = model
        self._send = send
        self._joined_at: float | None = None
        """The time at which the caller came, until the agent has spoken."""

    def begun(self) -> None:
        """The call has begun in this process."""
        self._send([Measurement(CallMetric.STARTED)])

    def ended(self, ending: Ending, lasted_s: float, *, is_recorded: bool = False) -> None:
        """The call has ended, so many seconds after its beginning. Is all of it recorded?"""
        code = Measurement(CallMetric.ENDED, labels=(ending.name.lower(),))
        recorded = [Measurement(CallMetric.RECORDING, labels=("complete",))] if is_recorded else []
        self._send([code, Measurement(CallMetric.DURATION, lasted_s), *recorded])

    def on_event(self, at: float, kind: str, facts: Mapping[str, Any]) -> None:
        """The room is told an event; `at` is its field `t`, in seconds."""
        self._send(self._measured(at, kind, facts))

    def _measured(self, at: float, kind: str, facts: Mapping[str, Any]) -> list[Measurement]:
        measured: list[Measurement] = []
        match kind:
            case "caller":
                self._joined_at = at if self._joined_at is None else self._joined_at
            case "turn":
                measured = self._turn(at, facts)
            case "tool_ended":
                measured = [Measurement(CallMetric.TOOL, facts["took_s"], (facts["name"], facts["status"]))]
            case "link":
                measured = _link(facts)
            case "usage":
                measured = self._usage(facts)
            case "recording" if facts["state"] == "stopped":
                measured = [Measurement(CallMetric.RECORDING, labels=("stopped",))]
            case "resumed":
                self._joined_at = float("inf")  # the greeting was another process's
                measured = [Measurement(CallMetric.TAKEOVER, facts["away_s"])]
        return measured

    def _turn(self, at: float, facts: Mapping[str, Any]) -> list[Measurement]:
        measured = [Measurement(CallMetric.TURNS)]
        if facts["interrupted"]:
            measured.append(Measurement(CallMetric.BARGE_INS))
        is_asked = facts["heard_to_sound_s"] is not None or facts["response_latency_s"] is not None
        if facts["response_latency_s"] is not None:
            measured.append(Measurement(CallMetric.RESPONSE, facts["response_latency_s"]))
        if not is_asked and self._joined_at is not None and (waited_s := at - facts["spoke_s"] - self._joined_at) >= 0:
            measured.append(Measurement(CallMetric.GREETING, round(waited_s, 3)))
        self._joined_at = float("inf")  # whoever comes later isn't greeted first
        return measured

    def _usage(self, facts: Mapping[str, Any]) -> list[Measurement]:
        turn = facts["turn"]
        counts = {("input", modality): count for modality, count in turn["input_tokens"].items()}
        counts |= {("output", modality): count for modality, count in turn["output_tokens"].items()}
        counts |= {("output", "thoughts"): turn["thoughts_tokens"], ("input", "tool_use"): turn["tool_use_tokens"]}
        measured = [Measurement(CallMetric.TOKENS, count, (self._model, *what)) for what, count in counts.items() if count]
        if facts["turn_usd"]:
            measured.append(Measurement(CallMetric.COST, facts["turn_usd"], (self._model,)))
        return measured


def _link(facts: Mapping[str, Any]) -> list[Measurement]:
    measured = [Measurement(CallMetric.LINK, labels=(facts["kind"], facts["cause"]))]
    if facts.get("gap_ms"):
        measured.append(Measurement(CallMetric.GAP, facts["gap_ms"] / 1000))
    if facts.get("lost_ms"):
        measured.append(Measurement(CallMetric.DROPPED_SOUND, facts["lost_ms"] / 1000))
    return measured
