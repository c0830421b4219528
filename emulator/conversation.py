"""One session's conversation as a state machine. It does no I/O and takes `now` in seconds.

Give it messages with `receive`, let time pass with `advance`, send what `take` returns, and call again at `next_at`. Rules:

1. The caller's turn ends with silence, `activityEnd`, `audioStreamEnd`, or a text; then the model thinks, and answers.
2. While the model's turn is open (until its turnComplete, which is held until the audio would have been played), speech or a
   text interrupts it: the rest is dropped, `interrupted` goes out at once, turnComplete shortly after.
3. The caller who goes on speaking while the model still thinks has not finished: the two parts are one turn.
4. A function call ends a turn (NON_BLOCKING) or holds it (BLOCKING) until every response is there; a blocking call is dropped
   without a word when the caller goes on.
"""

import itertools
from collections.abc import Callable
from functools import partial

from google.genai import types

from emulator import closes, messages
from emulator.agenda import Act, Agenda
from emulator.closes import Close
from emulator.hearing import Ended, Started
from emulator.listening import Listening
from emulator.messages import Json
from emulator.profiles import Profile
from emulator.reply import BYTES_PER_S, Chunk, chunks
from emulator.script import Rule, Script, fill
from emulator.sessions import Memory
from emulator.tool_rounds import ToolRound
from emulator.usage import text_tokens, usage

Speak = Callable[[str, str, str], bytes]
"""Text, Gemini voice name, language -> mono PCM16 at 24 kHz."""

_ANSWER, _RESULT = "answer", "result"
_MOST_WAITING_TURNS = 16
_MOST_TYPED = 500
_MOST_EARLY_MESSAGES = 500

_call_numbers = itertools.count(1_019_612)


class Conversation:
    """A session from its accepted setup on."""

    def __init__(self, profile: Profile, setup: messages.Setup, script: Script, memory: Memory, speak: Speak) -> None:
        self._profile = profile
        self._setup = setup
        self._tools = dict(setup.tools)
        self._script = script
        self._memory = memory
        self._speak = speak
        self._listening = Listening(setup.vad, profile)
        self._agenda = Agenda()
        self._outbox: list[Json] = []
        self._seeding = setup.seeded
        self._typed: list[str] = []
        """What was typed and not committed yet; beyond `_MOST_TYPED` the oldest is forgotten."""
        self._unanswered = ""
        self._turn_open = False
        self._sent_audio_s = 0.0
        self._sent_text = ""
        self._when_idle: list[tuple[str, Act]] = []
        """Turns that begin when the open one is complete; beyond `_MOST_WAITING_TURNS` the oldest is forgotten."""
        self._early: list[messages.ClientMessage] = []
        """What came between setup and setupComplete, where it waits."""
        self._transcribed_turn = -1
        self.close: Close | None = None

    @property
    def next_at(self) -> float | None:
        """When `advance` has something to do, if nothing is received before."""
        return self._agenda.next_at

    @property
    def caller_speaking(self) -> bool:
        return self._listening.speaking

    @property
    def turn_open(self) -> bool:
        """Whether the model's turn is under way: from its first output to turnComplete."""
        return self._turn_open

    def begin(self, now: float, *, resumed: bool) -> None:
        """The setup was received."""
        wait_s = self._profile.resume_s if resumed else self._profile.setup_s
        handle = {"newHandle": self._memory.handle, "resumable": True}
        self._agenda.at(now + wait_s, "setup", self._set_up)
        self._agenda.at(now + wait_s + 0.013, "handle", lambda _: self._send({"sessionResumptionUpdate": handle}))

    def _set_up(self, now: float) -> None:
        self._send({"setupComplete": {}})
        early, self._early = self._early, []
        for message in early:
            self.receive(message, now)

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        self._agenda.run(now)

    def take(self) -> list[Json]:
        """What must be sent now, in order."""
        sent, self._outbox = self._outbox, []
        return sent

    def receive(self, message: messages.ClientMessage, now: float) -> None:
        """Take a client's message. What the service would close the socket over sets `close`."""
        self.advance(now)
        if isinstance(message, messages.Setup) or len(self._early) > _MOST_EARLY_MESSAGES:
            self.close = closes.INVALID_ARGUMENT
            return
        if self._agenda.holds("setup"):
            self._early.append(message)
            return
        match message:
            case messages.Audio(pcm=pcm, rate_hz=rate_hz):
                self._heard(self._listening.sound(pcm, rate_hz), now)
            case messages.AudioStreamEnd():
                self._heard(self._listening.stream_end(), now)
            case messages.ActivityStart() | messages.ActivityEnd() if not self._listening.manual:
                self.close = closes.PRECONDITION
            case messages.ActivityStart():
                self._heard(self._listening.manual_start(), now)
            case messages.ActivityEnd():
                self._heard(self._listening.manual_end(), now)
            case messages.Text(text=text):
                self._read(text, now)
            case messages.ClientContent(text=text, turn_complete=complete):
                self._take_content(text, now, complete=complete)
            case messages.ToolResponse(responses=responses):
                for response in responses:
                    self._take_result(response, now)
            case messages.ContextUpdate(tools=tools) if tools is not None:
                self._tools = dict(tools)
            case _:
                pass  # video is looked at by nobody

    # The caller's turn

    def _heard(self, changes: list[Started | Ended] | None, now: float) -> None:
        if changes is None:  # an activity without sound
            self._activity("ACTIVITY_END", self._listening.offset_s)
            self._send({"serverContent": {"turnComplete": True}, "usageMetadata": {}})
            self.close = closes.PRECONDITION
            return
        for change in changes:
            if isinstance(change, Started):
                self._caller_starts(change, now)
            else:
                self._agenda.at(now + self._profile.end_s, "end", partial(self._caller_ends, change))

    def _caller_starts(self, started: Started, now: float) -> None:
        if not self._agenda.strike("end"):
            self._activity("ACTIVITY_START", started.offset_s)
        self._forget_answer()
        if self._setup.interruptible:
            self._interrupt(now)
            self._memory.rounds.drop_blocking()

    def _caller_ends(self, ended: Ended, now: float) -> None:
        rule = self._script.spoken(self._memory.spoken_turns)
        heard_s = f"{ended.speech_s:.1f}"
        self._memory.audio_s += ended.speech_s
        goes_on = self._transcribed_turn == self._memory.spoken_turns  # the script's line was sent with the first part
        transcript = ("" if goes_on else rule.hears) if rule.hears else f"[{heard_s} seconds of speech]"
        if self._setup.input_transcription and transcript:
            self._send({"serverContent": {"inputTranscription": {"text": transcript}}})
        self._transcribed_turn = self._memory.spoken_turns
        self._activity("ACTIVITY_END", ended.offset_s)
        self._forget_answer()  # to a text that was typed while the caller spoke: one answer is enough
        self._think(rule, {"heard_s": heard_s}, now, spoken=True)

    def _activity(self, kind: str, offset_s: float) -> None:
        offset = f"{offset_s:.0f}s" if offset_s == round(offset_s) else f"{offset_s:.3f}s"  # as proto3 writes a Duration
        self._send({"voiceActivity": {"type": kind, "audioOffset": offset}})

    def _take_content(self, text: str, now: float, *, complete: bool) -> None:
        if text:
            self._typed = [*self._typed, text][-_MOST_TYPED:]
        if not complete:
            return
        typed, self._typed = "\n".join(self._typed) or self._unanswered, []
        if self._seeding:
            self._seeding = False
            return
        self._read(typed, now)

    def _read(self, text: str, now: float) -> None:
        self._memory.text_tokens += text_tokens(text)
        self._unanswered = text  # "go on" without words, before the answer has begun, is about the same
        self._interrupt(now)
        self._memory.rounds.drop_blocking()
        self._forget_answer()
        self._think(self._script.answer_to(text), {"typed": text}, now, spoken=False)

    # The model's turn

    def _think(self, rule: Rule, facts: dict[str, object], now: float, *, spoken: bool) -> None:
        think_ms = rule.think_ms if rule.think_ms is not None else self._script.think_ms
        think_s = self._profile.think_s if think_ms is None else think_ms / 1000

        def answer(when: float) -> None:
            if spoken:
                self._memory.spoken_turns += 1
            self._answer(rule, facts, when)

        if self._profile.keepalives and not rule.silent:
            empty: list[Json] = [{}] * (1 if spoken else 3)
            self._agenda.at(now + think_s * 0.6, _ANSWER, lambda _: self._send(*empty, {"serverContent": {}}))
        self._agenda.at(now + think_s, _ANSWER, partial(self._when_free, _ANSWER, answer))

    def _when_free(self, topic: str, act: Act, now: float) -> None:
        """Begin a turn now, or when the open one is complete and the caller is quiet."""
        self._when_idle = [*self._when_idle, (topic, act)][-_MOST_WAITING_TURNS:]
        self._begin_next(now)

    def _begin_next(self, now: float) -> None:
        if self._when_idle and not self._turn_open and not self.caller_speaking:
            _, act = self._when_idle.pop(0)
            act(now)

    def _forget_answer(self) -> None:
        """The caller goes on: what the model was about to say to the part before is not said. Tool results stay."""
        self._agenda.strike(_ANSWER)
        self._when_idle = [waiting for waiting in self._when_idle if waiting[0] != _ANSWER]

    def _answer(self, rule: Rule, facts: dict[str, object], now: float) -> None:
        self._unanswered = ""
        calls = [call for call in rule.calls if call.name in self._tools]
        if calls:
            default = types.Behavior.NON_BLOCKING if self._profile.tools_non_blocking else types.Behavior.BLOCKING
            blocking = any((self._tools[call.name] or default) == types.Behavior.BLOCKING for call in calls)
            ids = {f"{self._profile.call_id_prefix}{next(_call_numbers)}": call for call in calls}
            waiting = {call_id: call.name for call_id, call in ids.items()}
            self._memory.rounds.open(ToolRound(rule, facts, waiting, blocking))
            told = [{"id": call_id, "name": call.name, "args": dict(call.args)} for call_id, call in ids.items()]
            self._turn_open = True
            self._send({"toolCall": {"functionCalls": told}})
            if not blocking:
                self._agenda.at(now + 0.01, "reply", self._complete)
        elif rule.says:
            self._say(fill(rule.says, facts), now)
        else:
            self._begin_next(now)

    def _say(self, text: str, now: float) -> None:
        audio = self._speak(text, self._setup.voice, self._setup.language)
        self._turn_open = True
        sent_s = 0.0
        for chunk in chunks(text, audio, self._profile):
            sent_s = chunk.sent_s
            self._agenda.at(now + sent_s, "reply", partial(self._send_chunk, chunk))
        generated = {"serverContent": {"generationComplete": True}}
        self._agenda.at(now + sent_s + 0.004, "reply", lambda _: self._send(generated))
        self._agenda.at(max(now + len(audio) / BYTES_PER_S, now + sent_s + 0.005), "reply", self._complete)

    def _send_chunk(self, chunk: Chunk, _now: float) -> None:
        self._sent_audio_s += len(chunk.audio) / BYTES_PER_S
        self._sent_text += chunk.text
        if self._profile.keepalives:
            self._send({})
        self._send(chunk.message(transcribed=self._setup.output_transcription))

    def _interrupt(self, now: float) -> None:
        if not self._turn_open or self._agenda.holds("interrupted"):
            return
        self._agenda.strike("reply")
        self._send({"serverContent": {"interrupted": True}})
        self._agenda.at(now + self._profile.interrupted_s, "interrupted", self._complete)

    def _complete(self, now: float) -> None:
        told = usage(self._profile, self._memory, said_s=self._sent_audio_s, said=self._sent_text)
        self._memory.audio_s += self._sent_audio_s
        self._memory.text_tokens += text_tokens(self._sent_text)
        self._send({"serverContent": {"turnComplete": True}, "usageMetadata": told})
        self._turn_open = False
        self._sent_audio_s, self._sent_text = 0.0, ""
        self._begin_next(now)

    # Tools

    def _take_result(self, response: messages.FunctionResponse, now: float) -> None:
        tools = self._memory.rounds.take(response)
        if tools is None:
            return
        says = "" if tools.silent else fill(tools.rule.says, tools.facts)
        if tools.urgent and not tools.silent and not tools.blocking and not self.caller_speaking:
            self._interrupt(now)
        answer, when = partial(self._say, says), now + self._profile.tool_answer_s
        if says and tools.blocking:
            self._agenda.at(when, "reply", answer)  # the open turn goes on
        elif says:
            self._agenda.at(when, _RESULT, partial(self._when_free, _RESULT, answer))
        elif tools.blocking and self._turn_open:
            self._complete(now)

    def _send(self, *told: Json) -> None:
        self._outbox.extend(told)
