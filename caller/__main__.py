"""`python -m caller`: a call from the command line.

Exit code 0: the agent was heard (and answered, if anything was said). 1: it wasn't. 2: wrong usage, or no token.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import statistics
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

from caller import Caller, CallerError, Event, Grant, Timing, TokenError, ask_for_token
from caller.caller import SAMPLE_RATE_HZ
from caller.conversation import BargeIn, Turn, converse
from caller.events import (
    AgentAttributes,
    AgentSilent,
    AgentSound,
    AgentTrack,
    Caption,
    Joined,
    Left,
    RoomEvent,
    SpeechEnd,
    SpeechStart,
)
from caller.settings import livekit_pair, prepare_environment, token_proxy
from caller.signing import sign_token
from configuration import ConfigurationError
from speech import SpeechError, Voice, read_wav, synthesize, write_wav

_SIDE = {"caller": "you", "agent": "agent"}


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m caller", description="Call the agent: speak, listen, measure.")
    turns = parser.add_argument_group("what is said, in order (each may be given several times)")
    turns.add_argument("--say", metavar="TEXT", action=_Ordered, help="a sentence, spoken by espeak-ng")
    turns.add_argument("--wav", metavar="FILE", action=_Ordered, help="a 16-bit PCM WAV file")
    turns.add_argument("--type", metavar="TEXT", action=_Ordered, help="a typed turn, sent on lk.chat")
    parser.add_argument("--barge-in-at", metavar="S", type=float, help="interrupt the last answer S seconds after it began")
    parser.add_argument("--barge-in", metavar="TEXT", default="Stop, please.", help="what is said then (default: %(default)r)")
    parser.add_argument("--wait", metavar="S", type=float, default=30.0, help="longest wait for the agent and each answer")
    parser.add_argument("--room", metavar="NAME", help="default: a fresh room")
    parser.add_argument("--identity", metavar="NAME", help="default: a random one")
    parser.add_argument("--persona", metavar="NAME", help="a persona for this call")
    parser.add_argument("--voice", metavar="NAME", default="en-us", help="espeak-ng's voice for --say (default: %(default)s)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="save what was heard: WAV, 48 kHz mono, from joining on")
    parser.add_argument("--json", action="store_true", help="one JSON object per event instead of lines for people")
    where = parser.add_argument_group("where")
    where.add_argument("--token-url", metavar="URL", default="http://127.0.0.1:7882/token", help="default: %(default)s")
    where.add_argument("--url", metavar="WS", help="LiveKit itself, such as ws://127.0.0.1:7880, instead of a token server")
    where.add_argument(
        "--token", metavar="JWT", help="a token for --url (default: one that LIVEKIT_API_KEY and LIVEKIT_API_SECRET sign)"
    )
    where.add_argument("--agent", metavar="NAME", help="with --url: the agent_name of the agent that is called, if it has one")
    arguments = parser.parse_args(argv)
    if arguments.url is None and (arguments.token or arguments.agent):
        parser.error(f"{'--token' if arguments.token else '--agent'} goes with --url")
    return arguments


class _Ordered(argparse.Action):
    """Keeps --say, --wav and --type in the order in which they were written."""

    def __call__(self, _parser: object, namespace: argparse.Namespace, value: object, option: str | None = None) -> None:
        turns = getattr(namespace, "turns", [])
        namespace.turns = [*turns, ((option or "").lstrip("-"), str(value))]


def _turn(kind: str, value: str, voice: Voice) -> Turn:
    if kind == "type":
        return Turn(value)
    if kind == "wav":
        return Turn(Path(value).name, read_wav(value, sample_rate_hz=SAMPLE_RATE_HZ))
    return Turn(value, synthesize(value, sample_rate_hz=SAMPLE_RATE_HZ, voice=voice))


class _EventPrinter:
    """Prints the call as it unfolds."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._start: float | None = None
        self._lights: str | None = None

    def __call__(self, event: Event) -> None:
        if self._as_json:
            print(json.dumps(event.as_json(), ensure_ascii=False), flush=True)
            return
        self._start = event.t if self._start is None else self._start
        line = self._line(event)
        if line is not None:
            print(f"{event.t - self._start:7.2f} s  {line}", flush=True)

    def _line(self, event: Event) -> str | None:  # noqa: PLR0911  one line per kind of event
        match event:
            case Joined(room=room, identity=identity):
                return f"joined room {room} as {identity}"
            case AgentTrack(identity=identity):
                return f"{identity} is here"
            case SpeechStart(text=text):
                return f"you speak: {text}"
            case SpeechEnd():
                return "you are done"
            case AgentSound():
                return "the agent is heard"
            case AgentSilent():
                return "the agent is silent"
            case Timing(name="answer", seconds=seconds):
                return f"end of speech -> first sound: {seconds * 1000:.0f} ms"
            case Timing(name="barge_in", seconds=seconds):
                return f"barge-in -> silence: {seconds * 1000:.0f} ms"
            case Caption(final=True):
                return f"{_SIDE[event.who]:>5}: {event.text}"
            case RoomEvent(body={"type": "tool_started", "name": name}):
                return f"tool {name} runs"
            case AgentAttributes(attributes={"lights": lights}) if self._lights != lights:
                self._lights = lights
                return f"the lights are {lights}"
            case Left(reason=reason):
                return f"left ({reason})"
            case _:
                return None


async def _call(arguments: argparse.Namespace, turns: list[Turn], barge_in: BargeIn | None) -> list[Timing]:
    grant = await _grant(arguments)
    prepare_environment(grant.server_url)
    caller = Caller(grant.server_url, grant.participant_token, on_event=_EventPrinter(as_json=arguments.json))
    try:
        async with caller:
            return await converse(caller, turns, barge_in=barge_in, wait_s=arguments.wait)
    finally:
        if arguments.out is not None:
            write_wav(arguments.out, caller.recording, sample_rate_hz=SAMPLE_RATE_HZ)


async def _grant(arguments: argparse.Namespace) -> Grant:
    if arguments.token is not None:
        return Grant(arguments.url, arguments.token)
    room = arguments.room or f"call-{secrets.token_hex(4)}"
    identity = arguments.identity or f"caller-{secrets.token_hex(3)}"
    metadata = json.dumps({"persona": arguments.persona}) if arguments.persona else None
    if arguments.url is not None:
        pair = livekit_pair(arguments.url)
        return sign_token(
            arguments.url, pair, room=room, identity=identity, agent_name=arguments.agent, agent_metadata=metadata
        )
    return await ask_for_token(
        arguments.token_url,
        room=room,
        identity=identity,
        agent_metadata=metadata,
        proxy=token_proxy(arguments.token_url),
    )


def _summary(timings: list[Timing]) -> str:
    answers = [timing.seconds for timing in timings if timing.name == "answer"]
    barge_ins = [timing.seconds for timing in timings if timing.name == "barge_in"]
    parts = []
    if answers:
        parts.append(f"end of speech -> first sound {statistics.median(answers) * 1000:.0f} ms")
    if barge_ins:
        parts.append(f"barge-in -> silence {statistics.median(barge_ins) * 1000:.0f} ms")
    return ", ".join(parts) or "the agent was heard"


def main(argv: list[str] | None = None) -> int:
    """Run one call; returns the exit code."""
    arguments = _arguments(argv)
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # the errors that matter are raised, and told below
    try:
        voice = Voice(arguments.voice)
        turns = [_turn(kind, value, voice) for kind, value in getattr(arguments, "turns", [])]
        if arguments.out is not None:
            write_wav(
                arguments.out, np.zeros(0, dtype=np.int16), sample_rate_hz=SAMPLE_RATE_HZ
            )  # better now than after the call
        barge_in = None
        if arguments.barge_in_at is not None:
            if not turns:
                print("--barge-in-at needs a --say, --wav or --type to interrupt the answer of", file=sys.stderr)
                return 2
            barge_in = BargeIn(arguments.barge_in_at, _turn("say", arguments.barge_in, voice))
        timings = asyncio.run(_call(arguments, turns, barge_in))
    except (TokenError, SpeechError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 2
    except CallerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not arguments.json:
        print(_summary(timings))
        if arguments.out is not None:
            print(f"what was heard is in {arguments.out}")
    return 0


def run() -> NoReturn:
    """Run the program, and end its process.

    LiveKit's threads still call into Python at the end. While the interpreter ends, that aborts the process now and then.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
