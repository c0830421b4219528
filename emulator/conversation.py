"""One session's conversation as a state machine. It does no I/O and takes `now` in seconds.

Give it messages with `receive`, let time pass with `advance`, send what `take` returns, and call again at `next_at`. Rules:

1. The caller's turn ends with silence, `activityEnd`, `audioStreamEnd`, or a text; then the model thinks, and answers.
2. While the model's turn is open (until its turnComplete, which is held until the audio would have been played), speech or a
   text interrupts it: the rest is dropped, `interrupted` goes out at once, turnComplete shortly after.
3. The caller who goes on speaking while the model still thinks has not finished: the two parts are one turn.
4. A function call ends a turn (NON_BLOCKING) or holds it (BLOCKING) until every response is there; a blocking call is dropped
   when the caller goes on.
"""

import dataclasses
from functools import partial

from emulator import closes, messages
from emulator.agenda import Agenda, TurnQueue
from emulator.answers import Answers, Rule, Situation, fill
from emulator.closes import Close
from emulator.hearing import Ended, Started
from emulator.lifetime import duration
from emulator.listening import Listening
from emulator.messages import Json
from emulator.profile import Profile
from emulator.sessions import Memory
from emulator.speaking import Speaking, Synthesizer
from emulator.tool_use import ToolUse
from emulator.usage import compress, picture_tokens, text_tokens

_ANSWER = "answer"
_MOST_TYPED = 500
_MOST_EARLY_MESSAGES = 500
_HANDLES_EVERY_S = 1.2
_A_THOUGHT = "**Considering the answer**\n\nI will answer what was asked."


class Conversation:
    """A session's conversation on one connection, from the accepted setup on."""

    def __init__(self, profile: Profile, setup: messages.Setup, answers: Answers, memory: Memory, voice: Synthesizer) -> None:
        self._profile = profile
        self._setup = setup
        self._tools = dict(setup.tools)
        self._answers = answers
        self._memory = memory
        self._listening = Listening(setup.vad, profile, keeps_sound=answers.keeps_sound)
        self._agenda = Agenda()
        self._speaking = Speaking(profile, setup, memory, self._agenda, voice, self._completed)
        self._send = self._speaking.send
        self._tool_use = ToolUse(profile, answers, memory, self._speaking)
        self._seeding = setup.seeded
        self._typed: list[str] = []
        """Typed texts whose turn isn't complete yet; beyond `_MOST_TYPED` the oldest is forgotten."""
        self._unanswered = ""
        self._turns = TurnQueue(lambda: not self.turn_open and not self.caller_speaking)
        self._early: list[messages.ClientMessage] = []
        """Messages that wait for setupComplete; more than `_MOST_EARLY_MESSAGES` close the socket."""
        self._transcribed_turn = -1
        self._spoken = Rule()
        self._handle_sent_at = 0.0
        self.close: Close | None = None

    @property
    def next_at(self) -> float | None:
        """The time at which `advance` has something to do, if nothing is received before."""
        return self._agenda.next_at

    @property
    def caller_speaking(self) -> bool:
        return self._listening.speaking

    @property
    def turn_open(self) -> bool:
        """Whether the model's turn is under way: from its first output to turnComplete."""
        return self._speaking.turn_open

    def begin(self, now: float, *, resumed: bool) -> None:
        """Begin at `now`, when the setup was received."""
        self._answers.take_note(self._setup.instructions, self._memory.notes)
        wait_s = self._profile.connection.resume_s if resumed else self._profile.connection.setup_s
        self._agenda.at(now + wait_s, "setup", self._set_up)
        handles = self._profile.connection.handles
        if handles in {"after_setup", "often"} or (handles == "asked" and self._setup.resumable):
            self._agenda.at(now + wait_s + 0.013, "handle", self._send_handle)

    def _set_up(self, now: float) -> None:
        self._send({"setupComplete": {"sessionId": self._memory.handle} if self._profile.vertex else {}})
        early, self._early = self._early, []
        for message in early:
            self.receive(message, now)

    def _send_handle(self, now: float) -> None:
        self._handle_sent_at = now
        self._send({"sessionResumptionUpdate": {"newHandle": self._memory.give_handle(self._profile), "resumable": True}})

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        self._agenda.run(now)

    def take(self) -> list[Json]:
        """The messages that must be sent now, in order."""
        return self._speaking.take()

    def receive(self, message: messages.ClientMessage, now: float) -> None:
        """Take a client's message. What the service would close the socket over sets `close`."""
        self.advance(now)
        if isinstance(message, messages.Setup) or len(self._early) > _MOST_EARLY_MESSAGES:
            self.close = closes.INVALID_ARGUMENT
        elif self._agenda.holds("setup"):
            self._early.append(message)
        elif isinstance(message, messages.ToolResponse | messages.ContextUpdate | messages.ClientContent):
            self._take_turn_message(message, now)
        else:
            self._take_realtime(message, now)
        if self._profile.connection.handles == "often" and now - self._handle_sent_at >= _HANDLES_EVERY_S and not self._early:
            self._send_handle(now)

    def interrupt(self, now: float) -> None:
        """Cut the model's turn short, as if the caller had spoken."""
        self._speaking.interrupt(now, self._memory.rounds.drop_blocking())

    def _take_turn_message(
        self, message: messages.ToolResponse | messages.ContextUpdate | messages.ClientContent, now: float
    ) -> None:
        match message:
            case messages.ClientContent(roleless=True) if not self._profile.hearing.roleless_content:
                self.close = closes.INVALID_ARGUMENT
            case messages.ClientContent():
                self._take_content(message, now)
            case messages.ToolResponse(responses=responses):
                for response in responses:
                    self._tool_use.take(response, now, self._agenda, self._turns, caller_speaking=self.caller_speaking)
            case messages.ContextUpdate() if not self._profile.setup.context_update:
                self.close = closes.INVALID_ARGUMENT
            case messages.ContextUpdate(tools=tools, instructions=instructions):
                self._tools = self._tools if tools is None else dict(tools)
                self._answers.take_note(instructions or "", self._memory.notes)

    def _take_realtime(self, message: messages.ClientMessage, now: float) -> None:
        match message:
            case messages.Audio(pcm=pcm, rate_hz=rate_hz):
                self._take_activity(self._listening.sound(pcm, rate_hz), now)
            case messages.AudioStreamEnd():
                self._take_activity(self._listening.stream_end(), now)
            case messages.ActivityStart() | messages.ActivityEnd() if not self._listening.manual:
                self.close = closes.PRECONDITION
            case messages.ActivityStart():
                self._take_activity(self._listening.manual_start(), now)
            case messages.ActivityEnd():
                self._take_activity(self._listening.manual_end(), now)
            case messages.Text(text=text):
                self._take_text(text, now)
            case messages.MediaChunks(first=first):
                if not self._profile.hearing.media_chunks:
                    self.close = closes.INVALID_ARGUMENT
                elif first is not None:
                    self._take_realtime(first, now)
            case messages.Video(data=data, mime_type=mime_type):
                self._memory.pictures.add(data, mime_type)
                self._memory.add(picture_tokens=picture_tokens(self._setup.media_resolution))

    # The caller's turn

    def _take_activity(self, changes: list[Started | Ended] | None, now: float) -> None:
        if changes is None:  # an activity without sound
            self._activity("ACTIVITY_END", self._listening.offset_s)
            self._send({"serverContent": {"turnComplete": True}, "usageMetadata": {}})
            self.close = closes.PRECONDITION
            return
        for change in changes:
            if isinstance(change, Started):
                self._caller_starts(change, now)
            else:
                self._agenda.at(now + self._profile.hearing.end_s, "end", partial(self._caller_ends, change))

    def _caller_starts(self, started: Started, now: float) -> None:
        if not self._agenda.cancel("end"):
            self._activity("ACTIVITY_START", started.offset_s)
        self._cancel_answer()
        if self._setup.interruptible:
            self.interrupt(now)

    def _caller_ends(self, ended: Ended, now: float) -> None:
        if not ended.speech_s:  # the client has marked an activity in which nobody speaks: it is acknowledged, and not answered
            self._activity("ACTIVITY_END", ended.offset_s)
            return
        heard_s = f"{ended.speech_s:.1f}"
        self._memory.add(audio_s=ended.speech_s)
        goes_on = self._transcribed_turn == self._memory.spoken_turns  # its words were sent with the first part
        rule = self._spoken = self._spoken if goes_on else self._rule_for_speech()
        words = rule.hears or f"[{heard_s} seconds of speech]"
        transcript = "" if goes_on and rule.hears else words
        if self._setup.input_transcription and transcript:
            pieces = [f" {word}" for word in transcript.split()] if self._profile.hearing.transcript_pieces else [transcript]
            self._send(*({"serverContent": {"inputTranscription": {"text": piece}}} for piece in pieces))
        self._transcribed_turn = self._memory.spoken_turns
        self._activity("ACTIVITY_END", ended.offset_s)
        self._cancel_answer()  # to a text that was typed while the caller spoke: one answer is enough
        self._think(
            rule,
            {"heard_s": heard_s, "typed": rule.hears, "tools": self._tool_names},
            now,
            said=words,
            recorded=self._listening.recorded(ended) if rule.repeats else b"",
        )

    def _rule_for_speech(self) -> Rule:
        """The rule for a spoken turn: by the words that were announced for it, else by its number."""
        if not self._memory.announced:
            return self._rule_for(None)
        words = self._memory.announced.popleft()
        return dataclasses.replace(self._rule_for(words), hears=words)

    def _activity(self, kind: str, offset_s: float) -> None:
        if self._profile.hearing.voice_activity:
            self._send({"voiceActivity": {"type": kind, "audioOffset": duration(offset_s)}})

    def _take_content(self, content: messages.ClientContent, now: float) -> None:
        if self._seeding or not content.turn_complete:
            self._answers.take_note(content.all_text, self._memory.notes)
        if content.text:
            self._typed = [*self._typed, content.text][-_MOST_TYPED:]
        if not content.turn_complete:
            return
        typed, self._typed = "\n".join(self._typed) or self._unanswered, []
        if self._seeding:
            self._seeding, self._unanswered = False, content.text
        elif typed.strip() == "." and self._profile.hearing.dot_is_empty:
            self.interrupt(now)
            self._think_of_nothing(now)
        else:
            self._take_text(content.all_text if typed.strip() == "." else typed, now)

    def _take_text(self, text: str, now: float) -> None:
        self._memory.add(text_tokens=text_tokens(text))
        # "go on" without words is about what was typed last and not answered, or stood at the end of the seed
        text = self._unanswered = text if text.strip() else self._unanswered or text
        self.interrupt(now)
        self._cancel_answer()
        if self._memory.is_unanswered(text):
            self._think_of_nothing(now)
        else:
            self._think(self._rule_for(text), {"typed": text, "tools": self._tool_names}, now)

    @property
    def _tool_names(self) -> str:
        """The names of the declared functions, as people say them."""
        return ", ".join(name.replace("_", " ") for name in self._tools) or "there is none"

    def _rule_for(self, typed: str | None) -> Rule:
        tools = {name: tool.schema for name, tool in self._tools.items()}
        return self._answers.answer(Situation(typed, self._memory.spoken_turns, tools, self._memory.notes))

    # The model's turn

    def _think(self, rule: Rule, facts: dict[str, object], now: float, *, said: str = "", recorded: bytes = b"") -> None:
        """Answer after a while. `said`: the words of a spoken turn."""
        think_ms = rule.think_ms if rule.think_ms is not None else self._answers.think_ms
        think_s = self._profile.speaking.think_s if think_ms is None else think_ms / 1000
        sound = recorded or rule.plays
        is_ignored = said != "" and rule.ignored != "" and self._speaking.may_stay_silent

        def answer(when: float) -> None:
            if said:
                self._memory.count_spoken_turn()
            self._memory.leave_unanswered(said if is_ignored else "")
            if is_ignored:
                self._speaking.stay_silent(rule.ignored, when)
                self._turns.begin_next(when)
            else:
                self._answer(rule, facts, sound, when)

        if not rule.silent and not is_ignored:
            self._speaking.prepare(rule.meanwhile if rule.calls else "" if sound else fill(rule.says, facts))
        if not is_ignored:
            self._agenda.at(now + think_s * 0.6, _ANSWER, lambda _: self._speaking.send_preamble(spoken=said != ""))
        self._agenda.at(now + think_s, _ANSWER, partial(self._turns.add, _ANSWER, answer))

    def _think_of_nothing(self, now: float) -> None:
        """Answer with a turn without content after a while."""
        at = now + self._profile.speaking.think_s
        self._agenda.at(at, _ANSWER, partial(self._turns.add, _ANSWER, self._speaking.empty))

    def _cancel_answer(self) -> None:
        """Drop the answer that was about to begin, since the caller goes on. What is to be said about tool results stays."""
        self._agenda.cancel(_ANSWER)
        self._turns.cancel(_ANSWER)

    def _answer(self, rule: Rule, facts: dict[str, object], sound: bytes, now: float) -> None:
        self._unanswered = ""
        calls = [call for call in rule.calls if call.name in self._tools and not rule.silent]
        says = "" if rule.silent else rule.says
        if calls or says:
            self._speaking.show_thought(rule.thinks or _A_THOUGHT)
            self._speaking.search(rule.searches, rule.pages)
        if calls:
            self._tool_use.call(rule, facts, self._tools, now)
        elif says:
            self._speaking.say(fill(says, facts), now, pcm=sound, complete_reason=rule.complete_reason)
        else:
            self._turns.begin_next(now)

    def _completed(self, now: float) -> None:
        if not compress(self._profile, self._memory, self._setup.compression):
            self.close = closes.INVALID_ARGUMENT
        handles = self._profile.connection.handles
        if handles == "each_turn" or (handles == "asked" and self._setup.resumable):
            self._send_handle(now)
        self._turns.begin_next(now)
