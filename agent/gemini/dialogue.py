"""Both sides of the conversation as the link must know them to lose nothing of it. Pure.

What the caller said and the model may not have heard is in the outbox; what the model said and the caller may not have heard,
in the turn. `received` gives what of the service's messages is true: a phantom interruption isn't, nor a second call.
"""

from collections.abc import Sequence

from agent.gemini import messages, reminders, wire
from agent.gemini.caller_voice import CallerVoice, loudness
from agent.gemini.capabilities import Capabilities
from agent.gemini.messages import Received
from agent.gemini.news import Cause, During, Kind, Line
from agent.gemini.notes import Notes
from agent.gemini.orders import LinkLimits
from agent.gemini.outbox import Outbox
from agent.gemini.retelling import Retelling
from agent.gemini.tool_ledger import Delivery, Response, ToolLedger
from agent.gemini.turn import State, Turn
from agent.gemini.watchdog import Watchdog

_NEAR_S = 1.5  # an interruption has the caller's voice, or a written turn, so shortly before it
_UNANSWERED_S = 0.3  # what was said earlier than this before an answer began is what it answers, and no interruption
BARGE_IN_S = 0.3
_JUDGED_AFTER_S = 1.0  # what the service hasn't taken for a barge-in by then, it never will
_MOST_REMINDERS = 2
"""Of a question that was certainly meant for the model: it may have a reason to say nothing."""
NOTICED_WITHIN_S = 3.0  # the service shows within this, if it ever does, that it has heard somebody


class Dialogue:
    def __init__(self, capabilities: Capabilities, limits: LinkLimits) -> None:
        self._capabilities = capabilities
        self.outbox = Outbox(pause_s=limits.pause_s)
        self.voice = CallerVoice()
        self.turn = Turn()
        self.tools = ToolLedger(survives=capabilities.resumes_whole)
        self._echoes = reminders.Echoes()
        self.notes = Notes(capabilities, self.outbox, self.turn, self.tools, self._echoes)
        self.watchdog = Watchdog(self.turn, self.voice, self.tools, answer_s=capabilities.answer_s, hang_s=limits.hang_s)
        self._news: list[tuple[Kind, Cause]] = []
        self.cut: str | None = None
        """The heard words of an answer that broke off and hasn't gone on."""
        self._retelling: Retelling | None = None
        self._asked_at = self._lost_at = float("-inf")
        self._reminders = 0
        self._swallows_turn_complete = False
        self._interrupted = False
        self._results: list[Response] = []  # of tools that returned while there was no connection

    def take_news(self) -> list[tuple[Kind, Cause]]:
        """What is worth telling."""
        news, self._news = self._news, []
        return news

    @property
    def owes_sound(self) -> bool:
        """The caller waits for the model."""
        return self.turn.state is State.OWED or self.cut is not None

    @property
    def during(self) -> During:
        speaks = self.voice.speaking or self.watchdog.caller_begun
        return self.turn.during(caller_speaks=speaks, tool_runs=self.tools.is_running)

    def is_quiet(self, now: float) -> bool:
        """Nobody says anything, and nobody waits for anything."""
        idle = self.turn.state is State.IDLE and not self.tools.is_running and self.cut is None
        unnoticed = self.outbox.holds_voice and now - self.voice.last_at < NOTICED_WITHIN_S
        return idle and self.outbox.is_empty and not (self.voice.speaking or self.watchdog.caller_begun or unnoticed)

    # The caller's side

    def hears(self, pcm: bytes, duration_s: float, now: float, *, sent: bool) -> None:
        """A chunk of the caller's sound; `sent` if it goes out at once."""
        loud = self.voice.hear(loudness(pcm), duration_s, now)
        self.outbox.put_sound(pcm, duration_s, loud=loud, sent=sent)

    def barges_in(self, now: float) -> bool:
        """The caller talks over sound that still plays, and no service is there to say so. True once."""
        speaks = self.voice.speaking and self.voice.spoke_s >= BARGE_IN_S
        if not speaks or now >= self.turn.plays_until:
            return False
        self.turn.silence(now)
        owes = self.turn.state is State.OWED and self.cut is None
        self._drop_cut()
        self.turn.drop_answer() if owes else self.turn.end(now)
        return True

    def asks(self, payload: bytes, now: float, *, text: str, wants_answer: bool) -> None:
        """A message for the model, in its place between the sound."""
        self.outbox.put_message(payload, asks=wants_answer, text=text)
        self._echoes.sent(text)
        if wants_answer:
            self._asked_at, self._reminders = now, 0
            self._drop_cut()
            self.turn.written(now)

    def answers(self, responses: Sequence[Response], now: float, *, connected: bool) -> None:
        """Tools have returned. Without a connection, `resume` says so first."""
        if not connected:
            self._results += responses
            return
        delivery = Delivery()
        for response in responses:
            delivery.add(self.tools.answered(response))
        self._deliver(delivery, now)

    def give_up_tools(self, called_before: float, now: float) -> list[str]:
        """Answer for the functions that take too long. Returns the ids of their calls."""
        ids, delivery = self.tools.give_up(called_before)
        self._deliver(delivery, now)
        return ids

    def _deliver(self, delivery: Delivery, now: float) -> None:
        if delivery.responses:
            self.outbox.put_results(wire.tool_responses(delivery.responses))
        if delivery.told:
            self.notes.write(reminders.results(delivery.told), wants_answer=True)
        if delivery and not delivery.is_silent:
            self._asked_at = now
            self.turn.asked(now)

    # The model's side

    def received(self, received: Received, now: float) -> list[Received]:
        """A message as the conversation is to hear it, in order: without what isn't so."""
        self.watchdog.received(now)
        if received.caller_words and self._echoes.is_echo(received.caller_words):
            received = received.without_caller()
        self._notice_caller(received, now)
        if received.interrupted and not self._interruption_is_real(now):
            received = self._without_interruption(received)
        if received.calls:
            received = self._call(received, now)
        if received.cancelled:
            self.tools.cancelled(received.cancelled)
        was_open = self.turn.is_followed_by(received)
        if was_open:
            self.close_answer(now)  # the service has left out that it is over
        if received.is_output:
            received = self._output(received, now)
        return [messages.TURN_COMPLETE] * was_open + self._completions(received, now)

    def _notice_caller(self, received: Received, now: float) -> None:
        self.watchdog.notices(received, now)
        if received.caller_words:
            self.turn.caller_said(received.caller_words, now)
            self._reminders = 0
        if received.caller_ends or (received.caller_words and self._capabilities.whole_transcripts):
            self._heard(now)

    def _heard(self, now: float) -> None:
        """The model has finished hearing; of what the caller is just saying, it may not have."""
        lately_s = now - self.voice.began_at + BARGE_IN_S if self.voice.began_lately(now) else 0.0
        self.notes.said(self.outbox.heard(but_last_s=lately_s), by_caller=True)

    def _interruption_is_real(self, now: float) -> bool:
        said_at = max(self.voice.last_at, self._asked_at)
        return self.voice.may_speak or (now - said_at <= _NEAR_S and said_at > self.turn.began_at - _UNANSWERED_S)

    def _without_interruption(self, received: Received) -> Received:
        if self._reminders and self.turn.state is State.OWED:
            self._swallows_turn_complete = True  # the reminder has ended what the model was thinking about
            return received.not_interrupted()
        self._news.append((Kind.IGNORED, Cause.PHANTOM))
        if self.turn.state is State.SPEAKING:
            self.cut_if_speaking()
            self.remind()
            self._swallows_turn_complete = True
        return received.not_interrupted()

    def _call(self, received: Received, now: float) -> Received:
        run: list[str] = []
        for call in received.calls:
            is_clear = received.is_readable("functionCalls.id", not self.tools.has_id_of_another(call))
            answer = is_clear and self.tools.called(call, now)
            if answer is True:
                run.append(call.id)
            elif isinstance(answer, dict):
                self.outbox.put_results(wire.tool_responses([answer]))
        return received if len(run) == len(received.calls) else received.with_calls(run)

    def _output(self, received: Received, now: float) -> Received:
        if self.turn.state is not State.SPEAKING and not self.turn.trails(now):
            self.notes.said(self.turn.question, by_caller=True)
            self._heard(now)
            self.tools.begins_to_speak()
        if self.cut is not None and (received.pcm or received.words):
            self.cut = None
        if received.words and self._retelling is not None:
            received = received.reworded(self._retelling.new_words(received.words))
        if received.pcm or received.words:
            self.turn.output(received, now)
            self.watchdog.answered()
        return received

    def _completions(self, received: Received, now: float) -> list[Received]:
        if received.generation_complete and not self.turn.is_begun and self.turn.state is not State.SPEAKING:
            received = received.not_generated()  # the plugin would take what comes next for words after the end
        delivered = [received]
        if received.generation_complete:
            delivered = self._last_words() + delivered
            self.turn.complete_generation()
        if received.interrupted:
            self._interrupted = True
            self.tools.disturbed()
            self.turn.silence(now)
            self._drop_cut()
            owes = self.turn.state is State.OWED or self._asked_at > self.turn.began_at
            self.turn.drop_answer() if owes else self._end(now)
        if received.turn_complete:
            delivered = self._turn_complete(delivered, now)
            self._interrupted = False
        return [each for each in delivered if each.raw]

    def _turn_complete(self, delivered: list[Received], now: float) -> list[Received]:
        if self._swallows_turn_complete:
            self._swallows_turn_complete = False
            return [each.not_complete() for each in delivered]
        if self.turn.state in {State.SPEAKING, State.SPOKEN}:
            delivered = self._last_words() + delivered
            self.tools.spoken()
            self._end(now)
        elif self.turn.state is State.OWED and self.turn.is_begun:
            self.turn.drop_answer()  # it was written into: what was written comes next
        elif self.turn.state is State.OWED and not (self._interrupted or self.tools.is_running or self.tools.unspoken):
            if self._reminders < (_MOST_REMINDERS if self.turn.certain else 1):
                self._news.append((Kind.NUDGED, Cause.UNANSWERED))
                self.remind()
            elif self.cut is None:
                self.watchdog.answered()
                self._end(now)
        return delivered

    def _last_words(self) -> list[Received]:
        rest, self._retelling = (self._retelling.rest() if self._retelling is not None else ""), None
        return [Received().reworded(rest)] if rest else []

    def _end(self, now: float) -> None:
        self.notes.said(self.turn.heard if self._interrupted else self.turn.said, by_caller=False)
        self.turn.end(now)
        self._heard(now)
        self._reminders = 0

    # What is done about a loss

    def lost(self, now: float) -> None:
        """The connection is gone."""
        self._lost_at = now
        self._swallows_turn_complete = self._interrupted = False
        self.cut_if_speaking()
        self.tools.lost_socket()
        if self.turn.state is not State.IDLE:
            self.tools.told_again()

    def cut_if_speaking(self) -> None:
        """What the model was saying has broken off."""
        if self.turn.state is State.SPEAKING and self.cut is None:
            self.cut = self.turn.heard
            self._retelling = Retelling(self.turn.said)

    def close_answer(self, now: float) -> None:
        """The conversation takes the answer for over; the model may still be asked to go on."""
        turn = self.turn
        state, certain, question = turn.state, turn.certain, turn.question
        self.notes.said(turn.said, by_caller=False)
        turn.end(now)
        if state is not State.SPOKEN:
            turn.state, turn.certain, turn.question = state, certain, question

    def resume(self, history: Sequence[Line], now: float) -> None:
        """A new connection is open: say first what it must know."""
        self.watchdog.opened(now, replays_s=self.outbox.waiting_speech_s)
        if self.notes.resume(history, self.cut, goes_on_by_itself=self._goes_on_by_itself):
            self.turn.asked(now, certain=self.turn.certain or self.cut is not None)
        returned, self._results = self._results, []
        self.answers(returned, now, connected=True)

    @property
    def _goes_on_by_itself(self) -> bool:
        """Something waits in the outbox that the model will answer. It may have heard a sound and not thought it a barge-in."""
        spoke_lately = self.cut is None or self.voice.last_at > self._lost_at - _JUDGED_AFTER_S
        return self.outbox.asks_in_writing or (self.outbox.asks_something and spoke_lately)

    def nudge(self, now: float) -> None:
        """The model is late with what it owes, or has stopped in the middle of it."""
        self.cut_if_speaking()
        self.remind()
        if self.cut is not None:
            self.turn.asked(now)

    def remind(self) -> None:
        """Ask for what is owed."""
        self._reminders += 1
        self.tools.told_again()
        self.notes.remind(self.cut)

    def _drop_cut(self) -> None:
        self.cut, self._retelling = None, None
