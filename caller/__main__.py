"""`python -m caller`: a call from the command line.

Exit code 0: the agent was heard (and answered, if anything was said). 1: it wasn't. 2: wrong usage, a misspelt persona, or no
token.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

from caller import Caller, CallerError, Grant, TokenError, UnknownPersonaError, ask_for_token
from caller.announcing import Announcer
from caller.call_lines import summary_of
from caller.caller import SAMPLE_RATE_HZ
from caller.conversation import BargeIn, Turn, converse
from caller.printing import EventPrinter, printing
from caller.settings import livekit_pair, prepare_environment, token_proxy
from caller.signing import sign_token
from caller.tokens import check_persona, offered_personas
from configuration import ConfigurationError, argument_parser
from speech import SpeechError, Voice, read_wav, synthesize, write_wav

_EXAMPLES = (
    'python -m caller --say "What time is it in Tokyo?" --out reply.wav',
    'python -m caller --type "turn on the lights"',
    'python -m caller --say "Tell me a story." --barge-in-at 3   # interrupts the answer 3 s after it began',
    "python -m caller --wav question.wav --json                  # for programs; the last line is a summary",
    "python -m caller --url wss://livekit.example.com --token eyJ...",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argument_parser("python -m caller", "Call the agent: speak, listen, measure.", _EXAMPLES)
    turns = parser.add_argument_group("what is said, in order (each may be given several times)")
    turns.add_argument("--say", metavar="TEXT", action=_Ordered, help="a sentence, spoken by espeak-ng")
    turns.add_argument("--wav", metavar="FILE", action=_Ordered, help="a 16-bit PCM WAV file")
    turns.add_argument("--type", metavar="TEXT", action=_Ordered, help="a typed turn, sent on lk.chat")
    parser.add_argument("--barge-in-at", metavar="S", type=float, help="interrupt the last answer S seconds after it began")
    parser.add_argument("--barge-in", metavar="TEXT", default="Stop, please.", help="what is said then (default: %(default)r)")
    parser.add_argument(
        "--wait",
        metavar="S",
        type=float,
        default=30.0,
        help="longest wait for the agent and each answer (default: %(default)g)",
    )
    parser.add_argument("--room", metavar="NAME", help="the room to join (default: a new one)")
    parser.add_argument("--identity", metavar="NAME", help="the caller's identity in the room (default: a random one)")
    parser.add_argument("--persona", metavar="NAME", help="the agent's persona in this call (default: the worker's PERSONA)")
    parser.add_argument("--voice", metavar="NAME", default="en-us", help="espeak-ng's voice for --say (default: %(default)s)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="save what was heard: WAV, 48 kHz mono, from joining on")
    parser.add_argument("--json", action="store_true", help="one JSON object per event instead of lines for people")
    where = parser.add_argument_group("where")
    where.add_argument(
        "--token-url", metavar="URL", default="http://127.0.0.1:7882/token", help="the token endpoint (default: %(default)s)"
    )
    where.add_argument("--url", metavar="WS", help="LiveKit itself, such as ws://127.0.0.1:7880, instead of a token server")
    where.add_argument(
        "--token", metavar="JWT", help="a token for --url (default: one that LIVEKIT_API_KEY and LIVEKIT_API_SECRET sign)"
    )
    where.add_argument("--agent", metavar="NAME", help="with --url: the agent_name of the agent that is called, if it has one")
    where.add_argument(
        "--announce-to",
        metavar="URL",
        help="an emulator's control endpoint, which is told what is said, since the emulator hears only that somebody speaks",
    )
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
    return Turn(value, synthesize(value, sample_rate_hz=SAMPLE_RATE_HZ, voice=voice), words=value)


async def _call(arguments: argparse.Namespace, turns: list[Turn], barge_in: BargeIn | None) -> None:
    """Hold the call, and print its events and its figures. The sound is saved however the call ends.

    Raises:
        CallerError: it didn't go as it should.
    """
    grant = await _grant(arguments)
    prepare_environment(grant.server_url)
    announce = Announcer(arguments.announce_to).announce if arguments.announce_to else None
    error: CallerError | None = None
    async with printing(EventPrinter(as_json=arguments.json)) as tell:
        caller = Caller(grant.server_url, grant.participant_token, on_event=tell)
        try:
            async with caller:
                await converse(caller, turns, barge_in=barge_in, wait_s=arguments.wait, announce=announce)
        except CallerError as failed:
            error = failed
        finally:
            if arguments.out is not None:
                write_wav(arguments.out, caller.recording, sample_rate_hz=SAMPLE_RATE_HZ)
    summary = summary_of(caller.log)
    if arguments.json:
        print(json.dumps(summary.as_json(caller.ending, None if error is None else str(error))))
    if error is not None:
        raise error
    if not arguments.json:
        print(summary.words())
        if arguments.out is not None:
            print(f"what was heard is in {arguments.out}")


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
    proxy = token_proxy(arguments.token_url)
    grant = await ask_for_token(
        arguments.token_url,
        room=room,
        identity=identity,
        agent_metadata=metadata,
        proxy=proxy,
    )
    if arguments.persona:
        check_persona(arguments.persona, await offered_personas(arguments.token_url, proxy=proxy))
    return grant


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
        asyncio.run(_call(arguments, turns, barge_in))
    except (TokenError, UnknownPersonaError, SpeechError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 2
    except CallerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
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
