"""The only place where tests touch the link's pure core: what it is called, what goes in, what comes out, when it is due.

Tests take the words of its events and its limits from here too.
"""

import base64
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from google.genai import types

from agent.gemini import actions, messages, wire
from agent.gemini.actions import Close, Deliver, Dial, Knows, Ping, SetUp, Tell, Update
from agent.gemini.capabilities import CAPABILITIES, CAUTIOUS
from agent.gemini.continuation import Continuation
from agent.gemini.core import LinkCore
from agent.gemini.events import Cause, Kind, Line, LinkEvent
from agent.gemini.exchange.tool_call import Response
from agent.gemini.limits import LinkLimits
from agent.gemini.live_features import TRANSLATE_MODEL, features_of
from agent.gemini.newest_settings import LinkSettings
from agent.gemini.setup_change import changed_fields
from agent.gemini.snapshot import Owes, SavedLink, Snapshot
from agent.gemini.tool_options import ToolOptions
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules, turn_rules

__all__ = [  # noqa: RUF022 - one line for what acts, one for what is told
    "Core", "Action", "Close", "Deliver", "Dial", "Knows", "Ping", "Send", "SetUp", "Tell", "Update", "LinkLimits", "Response",
    "TurnRules", "DEFAULT_TURN_RULES", "TRANSLATE_MODEL", "TRANSLATES", "Cause", "Kind", "Line", "LinkEvent",
    "ToolOptions", "changed_fields", "Owes", "Continuation",
]  # fmt: skip

TRANSLATES = turn_rules({}, features_of(TRANSLATE_MODEL))
"""The rules of turns with the model that translates."""
_SOUND_HEAD, _SOUND_TAIL = wire.audio(b"").split(b'""')


@dataclass(frozen=True)
class Send:
    """Something for Gemini, now: the PCM of the caller's sound, or the bytes of a message."""

    payload: bytes
    is_sound: bool


Action = Dial | SetUp | Update | Close | Ping | Deliver | Tell | Knows | Send


class Core:
    """The core of one link. Each method returns what is to be done, in order; `due` is to be called at `next_at`."""

    def __init__(
        self,
        model: str,
        limits: LinkLimits,
        history: Sequence[Line] = (),
        seed: int = 1,
        rules: TurnRules = DEFAULT_TURN_RULES,
        tools: Mapping[str, ToolOptions] | None = None,
    ) -> None:
        known, capabilities = tools or {}, CAPABILITIES.get(model, CAUTIOUS)
        self.machine = LinkCore(capabilities, limits, lambda: history, seed, rules, lambda name: known.get(name, ToolOptions()))
        """What a `Link` is given."""
        self._settings = LinkSettings(answer_s=3.0, marks_activity=False)
        self._rest = (model, limits, history, seed, rules, tools)
        self._sound = bytearray()
        self.begun_from: SavedLink | None = None
        """The state of the process before, if that was killed."""
        self._dropped_before_s = 0.0
        self.machine.continuation.keep_sound(self._sound.extend)
        self.unreadable: list[str] = []
        """Fields of Gemini's messages that were skipped."""

    def given_history(self, *lines: Line) -> None:
        """What was said before the first connection, each line a turn."""
        turns = [
            types.Content(role="user" if line.by_caller else "model", parts=[types.Part(text=line.text)]) for line in lines
        ]
        self.machine.initial_history.add(turns, lines)

    def announces(self, handle: str | None) -> bool:
        """Send the setup with this handle. Returns whether it announces what was said before."""
        return bool(self.machine.initial_history.asked_for({}, handle))

    def resumes(self, handle: str) -> None:
        """The first connection resumes an earlier session."""
        self.machine.session_handle.given(handle, -math.inf)

    def dies(self, now: float) -> "Core":
        """The process is killed. Returns the core of another one, which has the newest snapshot and the ring of sound."""
        saved = Snapshot("model", self.machine.continuation.saved(now)).to_json()
        core = Core(*self._rest)
        sound = bytes(self._sound[self.machine.continuation.understood_until :])
        core._dropped_before_s = self.dropped_s
        core.begun_from = Snapshot.from_json(saved).link
        core.machine.continuation.begin_from(core.begun_from, sound, core.machine.initial_history, now)
        if self._settings.marks_activity:
            core.push_to_talk(now, enabled=True)
        return core

    @property
    def next_at(self) -> float:
        """When `due` is to be called; infinity for never."""
        return self.machine.next_at

    def due(self, now: float) -> list[Action]:
        return _seen(self.machine.due(now))

    @property
    def dropped_s(self) -> float:
        """Of the caller's sound, because nothing took it for too long."""
        return self._dropped_before_s + self.machine.lost_s

    # The socket

    def start(self, now: float) -> list[Action]:
        return _seen(self.machine.start(now))

    def upgraded(self, now: float) -> list[Action]:
        return _seen(self.machine.upgraded(now))

    def failed(self, now: float, code: int | None = None, reason: str = "", cause: Cause | None = None) -> list[Action]:
        """The socket didn't come about, or is gone without our doing."""
        return _seen(self.machine.failed(now, code=code, reason=reason, cause=cause))

    def closed(self, now: float) -> list[Action]:
        """The socket that `Close` was about is gone."""
        return _seen(self.machine.gone(now))

    def stalled(self, now: float, *, is_stalled: bool) -> list[Action]:
        """The socket's buffer is full, or has room again."""
        return _seen(self.machine.stalled(now, is_stalled=is_stalled))

    def pong(self, now: float) -> list[Action]:
        return _seen(self.machine.alive(now))

    def received(self, frame: bytes, now: float) -> list[Action]:
        received = messages.read(frame)
        done = self.machine.received(received, now)
        self.unreadable += received.unreadable
        return _seen(done)

    def changed(self, fields: Collection[str], now: float) -> list[Action]:
        """Connections ask for something else in these fields of their setup than the newest one was told."""
        return _seen(self.machine.configured(replace(self._settings, changed=frozenset(fields)), now))

    def agent_changed(self, call_id: str | None = None) -> None:
        """The conversation goes on with another agent; or is about to, by that call."""
        self.machine.agent_changes(call_id)

    def answers_within(self, answer_s: float, now: float) -> list[Action]:
        """Another setup, whose answers may take so long to begin."""
        self._settings = replace(self._settings, answer_s=answer_s)
        return _seen(self.machine.configured(self._settings, now))

    # For the model

    def sound(self, pcm: bytes, duration_s: float, now: float) -> list[Action]:
        del duration_s
        return _seen(self.machine.sound_in(pcm, now))

    def push_to_talk(self, now: float, *, enabled: bool) -> list[Action]:
        """Connections ask for no activity detection, or for it."""
        self._settings = replace(self._settings, marks_activity=enabled)
        return _seen(self.machine.configured(self._settings, now))

    def start_activity(self, now: float) -> list[Action]:
        return _seen(self.machine.mark_activity(now, begins=True))

    def end_activity(self, now: float) -> list[Action]:
        return _seen(self.machine.mark_activity(now, begins=False))

    def discard_sound(self, now: float) -> list[Action]:
        return _seen(self.machine.discard_sound(now))

    def typed(self, payload: bytes, text: str, now: float) -> list[Action]:
        """A message that wants an answer."""
        return _seen(self.machine.message(payload, now, text=text, typed=text, wants_answer=True))

    def stop_answer(self, now: float) -> list[Action]:
        """The application stops the answer."""
        return _seen(self.machine.stop_answer(now))

    def context(self, payload: bytes, text: str, now: float) -> list[Action]:
        """A message that wants no answer."""
        return _seen(self.machine.message(payload, now, text=text, wants_answer=False))

    def tool_responses(self, responses: Sequence[Response], now: float) -> list[Action]:
        return _seen(self.machine.tools_returned(responses, now))

    def microphone_closed(self, now: float) -> list[Action]:
        return _seen(self.machine.microphone_closed(now))


def _seen(done: Sequence[actions.Action]) -> list[Action]:
    return [_sent(action.frame) if isinstance(action, actions.Send) else action for action in done]


def _sent(frame: bytes) -> Send:
    head = _SOUND_HEAD + b'"'
    if frame.startswith(head):
        return Send(base64.b64decode(frame[len(head) :].partition(b'"')[0]), is_sound=True)
    return Send(frame, is_sound=False)
