"""What LiveKit is told of the service's messages: when an answer begins and ends, and when the caller's words are final."""

import asyncio
import logging
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from livekit.agents import llm

from agent.gemini.audio import OUTPUT_RATE_HZ
from agent.gemini.chat_journal import ChatJournal
from agent.gemini.events import Line
from agent.gemini.generation import Generation
from agent.gemini.generations import Generations
from agent.gemini.messages import Received
from agent.gemini.replies import Replies
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules

SOUND = bytes(OUTPUT_RATE_HZ)
"""Half a second."""
VOICE = Received(pcm=SOUND, words="Well, ")
COMPLETE = Received(generation_complete=True, turn_complete=True)
INTERRUPTED = Received(interrupted=True)
CALLER = Received(caller_words=" Hello?")
CALL = llm.FunctionCall(call_id="1", name="book", arguments="{}")
BEGUN = ["input_speech_started", "generation_created"]
ENDED = ["input_speech_stopped"]
WORDS = "input_audio_transcription_completed"


class Framework:
    """The events that LiveKit is told of, and the answers among them."""

    def __init__(
        self, rules: TurnRules = DEFAULT_TURN_RULES, *, whole_transcripts: bool = True, translates: bool = False
    ) -> None:
        self.events: list[tuple[str, Any]] = []
        self.replies, self.journal = Replies(), ChatJournal()
        how = {"whole_transcripts": whole_transcripts, "translates": translates}
        self.generations = Generations(self._emit, self.replies, self.journal, rules, **how)

    def _emit(self, name: str, event: Any) -> None:
        self.events.append((name, event))

    def receives(self, *messages: Received, calls: tuple[llm.FunctionCall, ...] = ()) -> list[str]:
        """Names of the events that those messages lead to; `calls` come with the last."""
        before = len(self.events)
        for number, message in enumerate(messages, 1):
            if not (message.only_sound and self.generations.add_sound(message.pcm)):
                self.generations.received(message, calls if number == len(messages) else ())
        return [name for name, _ in self.events[before:]]

    def answers(self) -> list[llm.GenerationCreatedEvent]:
        return [event for name, event in self.events if name == "generation_created"]

    def finals(self) -> list[str]:
        return [event.transcript for name, event in self.events if name == WORDS and event.is_final]


async def heard(answer: llm.GenerationCreatedEvent) -> tuple[str, float, list[str]]:
    """Words, seconds of sound, and names of the functions: all streams must end."""
    words, sound_s = "", 0.0
    async with asyncio.timeout(1):
        async for message in answer.message_stream:
            words += "".join([piece async for piece in message.text_stream])
            sound_s += sum([frame.duration async for frame in message.audio_stream])
        return words, sound_s, [call.name async for call in answer.function_stream]


async def test_an_answer_begins_with_output_and_ends_with_its_turn() -> None:
    framework = Framework()
    assert framework.receives(VOICE) == BEGUN
    assert framework.receives(Received(pcm=SOUND, only_sound=True), Received(words="yes.")) == []
    assert framework.receives(COMPLETE) == ENDED
    [answer] = framework.answers()
    assert not answer.user_initiated
    assert await heard(answer) == ("Well, yes.", 1.0, [])
    assert framework.journal.lines() == [Line(by_caller=False, text="Well, yes.")]


async def test_words_know_where_in_the_sound_they_belong() -> None:
    framework = Framework()
    framework.receives(VOICE, Received(words="yes"), Received(pcm=SOUND, only_sound=True), Received(words=", no"), COMPLETE)
    [message] = [message async for message in framework.answers()[0].message_stream]
    assert [getattr(piece, "start_time", None) async for piece in message.text_stream] == [0.0, 0.5, 1.0]


async def test_what_is_generated_can_be_played_before_the_turn_is_complete() -> None:
    """The service holds `turnComplete` back until it has played; LiveKit would wait for that with the playout."""
    framework = Framework()
    framework.receives(VOICE, Received(generation_complete=True))
    async with asyncio.timeout(1):
        message = await anext(aiter(framework.answers()[0].message_stream))
        assert [frame.duration async for frame in message.audio_stream] == [0.5]
    assert framework.generations.last is not None
    assert not framework.generations.last.is_over


async def test_a_call_ends_its_answer_and_what_follows_interrupts_nothing() -> None:
    """As the caller's voice it would interrupt the speech that owns the call."""
    framework = Framework()
    assert framework.receives(VOICE, Received(), calls=(CALL,)) == [*BEGUN, *ENDED]
    assert await heard(framework.answers()[0]) == ("Well, ", 0.5, ["book"])
    assert framework.receives(VOICE) == ["generation_created"]
    assert framework.receives(COMPLETE, VOICE) == [*ENDED, *BEGUN], "the next turn is another's"


async def test_a_call_alone_is_an_answer() -> None:
    framework = Framework()
    assert framework.receives(Received(), calls=(CALL, CALL)) == [*BEGUN, *ENDED]
    assert await heard(framework.answers()[0]) == ("", 0.0, ["book", "book"])


async def test_the_caller_interrupts_what_is_generated() -> None:
    framework = Framework()
    framework.receives(VOICE)
    assert framework.receives(INTERRUPTED) == ["input_speech_started", *ENDED]
    assert framework.receives(Received(turn_complete=True)) == []
    assert framework.receives(VOICE) == BEGUN


async def test_the_caller_interrupts_what_still_plays() -> None:
    framework = Framework()
    framework.receives(VOICE, COMPLETE)
    assert framework.receives(INTERRUPTED) == ["input_speech_started"]


async def test_where_nobody_interrupts_an_answer_waits_for_the_end_of_the_one_before() -> None:
    """LiveKit says one after the other unless it is told that the caller speaks; what is typed interrupts all the same."""
    framework = Framework(TurnRules(interruptible=False))
    assert framework.receives(VOICE, CALLER, COMPLETE, VOICE) == [
        "generation_created",
        WORDS,
        *ENDED,
        WORDS,
        "generation_created",
    ]
    assert framework.receives(INTERRUPTED) == ["input_speech_started", *ENDED]


async def test_words_over_an_answer_are_no_late_words_of_the_question_before_it() -> None:
    """Transcripts that come in pieces: each turn is a message in the history, and stands where it was said."""
    framework = Framework(TurnRules(interruptible=False), whole_transcripts=False)
    over = [Received(caller_words=words, over_answer=True) for words in (" And", " you?")]
    framework.receives(CALLER, VOICE, Received(caller_words=" Well?"), *over, COMPLETE)
    assert framework.finals() == ["Hello? Well?", "And you?"]
    assert [line.text for line in framework.journal.lines()] == ["Hello? Well?", "And you?", "Well, "]


async def test_what_was_asked_for_is_the_next_answer() -> None:
    """And an interruption is the old answer's: the service ends it for what was asked."""
    framework = Framework()
    framework.receives(VOICE)
    reply = framework.replies.ask()
    assert framework.receives(INTERRUPTED, Received(turn_complete=True)) == ENDED
    assert not reply.done()
    assert framework.receives(VOICE) == ["generation_created"]
    assert (await reply).user_initiated


async def test_a_reply_that_nobody_wants_any_more_is_the_models_own() -> None:
    framework = Framework()
    framework.replies.ask().cancel()
    assert framework.receives(VOICE) == BEGUN
    assert not framework.answers()[0].user_initiated


async def test_a_reply_replaces_the_one_before() -> None:
    replies = Replies()
    first, second = replies.ask(), replies.ask()
    with pytest.raises(llm.RealtimeError, match="superseded"):
        await first
    assert not second.done()
    replies.close()
    with pytest.raises(llm.RealtimeError, match="closed"):
        await second
    with pytest.raises(llm.RealtimeError, match="closed"):
        await replies.ask()


async def test_the_callers_words_begin_no_answer() -> None:
    """An empty speech would hold up what is to be said next."""
    framework = Framework(whole_transcripts=False)
    assert framework.receives(CALLER, Received(caller_words=" Yes?")) == [WORDS, WORDS]
    assert [event.transcript for _, event in framework.events] == ["Hello?", "Hello? Yes?"]
    assert not framework.answers()
    assert not framework.finals()


async def test_a_second_whole_sentence_without_an_answer_between_is_a_turn_of_its_own() -> None:
    framework = Framework()
    framework.receives(CALLER, Received(caller_words=" Yes?"))
    assert framework.finals() == ["Hello?"]
    framework.receives(COMPLETE)
    assert framework.finals() == ["Hello?", "Yes?"]


@pytest.mark.parametrize("calls", [(), (CALL,)])
async def test_a_whole_sentence_is_final_when_the_model_answers(calls: tuple[llm.FunctionCall, ...]) -> None:
    framework = Framework()
    framework.receives(CALLER)
    framework.receives(Received() if calls else Received(pcm=SOUND), calls=calls)
    assert framework.finals() == ["Hello?"]
    framework.receives(COMPLETE)
    assert framework.finals() == ["Hello?"], "once: each is a message in the history"


async def test_pieces_of_a_sentence_are_final_with_the_answer() -> None:
    framework = Framework(whole_transcripts=False)
    framework.receives(CALLER, VOICE, Received(caller_words=" Yes?"))
    assert framework.finals() == []
    framework.receives(COMPLETE)
    assert framework.finals() == ["Hello? Yes?"]
    assert [line.by_caller for line in framework.journal.lines()] == [True, False], "the question is before its answer"


async def test_pieces_of_a_sentence_that_come_after_their_answer_has_begun_stand_before_it() -> None:
    framework = Framework(whole_transcripts=False)
    framework.receives(VOICE, CALLER)
    answer = framework.generations.last
    assert answer is not None
    assert [event.turn_started_at for name, event in framework.events if name == WORDS] == [answer.created_at]


async def test_a_translation_neither_interrupts_the_one_before_nor_ends_the_callers_line() -> None:
    framework = Framework(whole_transcripts=False, translates=True)
    turn, pause = Received(turn_complete=True), Received(caller_ends=True)
    assert framework.receives(CALLER, VOICE, turn, VOICE, turn) == [WORDS, "generation_created", "generation_created"]
    assert framework.finals() == []
    assert framework.receives(Received(caller_words=" Yes?"), pause, pause) == [WORDS, WORDS]
    assert framework.finals() == ["Hello? Yes?"]
    assert [await heard(answer) for answer in framework.answers()] == [("Well, ", 0.5, [])] * 2
    framework.receives(VOICE)
    passage = framework.generations.last
    framework.receives(CALLER)
    assert passage is not None
    assert framework.events[-1][1].turn_started_at > passage.created_at, "it is no question that the passage answers"


async def test_words_without_an_answer_are_final_with_the_turn() -> None:
    framework = Framework()
    assert framework.receives(CALLER, Received(turn_complete=True)) == [WORDS, WORDS]
    assert framework.finals() == ["Hello?"]
    first, final = [event for _, event in framework.events]
    assert first.item_id == final.item_id
    framework.receives(CALLER)
    assert framework.events[-1][1].item_id != first.item_id, "each turn is a message of its own"


async def test_what_comes_after_the_end_is_dropped_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    framework = Framework()
    framework.receives(VOICE, Received(generation_complete=True), VOICE, VOICE, Received(turn_complete=True))
    assert await heard(framework.answers()[0]) == ("Well, ", 0.5, [])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_an_answer_that_nobody_reads_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    generation = Generation(0.0)
    for _ in range(100_000):
        generation.add_words("a")
    assert len(generation.text) < 100_000
    assert len(caplog.records) == 1


MESSAGES = st.builds(
    Received,
    pcm=st.sampled_from([b"", SOUND]),
    words=st.sampled_from(["", "yes "]),
    caller_words=st.sampled_from(["", "no "]),
    generation_complete=st.booleans(),
    turn_complete=st.booleans(),
    interrupted=st.booleans(),
)


@settings(deadline=None)
@given(
    arrivals=st.lists(st.tuples(MESSAGES, st.booleans(), st.booleans()), max_size=12),
    whole_transcripts=st.booleans(),
)
def test_in_any_order(arrivals: list[tuple[Received, bool, bool]], *, whole_transcripts: bool) -> None:
    """One answer at a time, each with all streams closed at the end, and each of the caller's turns final once."""

    async def play() -> None:
        framework = Framework(whole_transcripts=whole_transcripts)
        replies = []
        for message, has_call, is_asked in arrivals:
            if is_asked:
                replies.append(framework.replies.ask())
            framework.receives(message, calls=(CALL,) if has_call else ())
        framework.generations.end()
        framework.replies.close()
        open_and_ended = [name for name, _ in framework.events if name in {"generation_created", "input_speech_stopped"}]
        assert open_and_ended == ["generation_created", "input_speech_stopped"] * len(framework.answers())
        said = [await heard(answer) for answer in framework.answers()]
        spoken = [line.text for line in framework.journal.lines() if not line.by_caller]
        assert spoken == [words for words, _, _ in said if words]
        finals = [event.item_id for name, event in framework.events if name == WORDS and event.is_final]
        assert len(finals) == len(set(finals))
        assert all(reply.done() for reply in replies)
        for reply in replies:
            reply.cancelled() or reply.exception()

    asyncio.run(play())


async def test_the_end_of_everything_ends_the_answer() -> None:
    framework = Framework()
    framework.receives(CALLER, VOICE)
    framework.generations.end()
    assert await heard(framework.answers()[0]) == ("Well, ", 0.5, [])
    framework.generations.end()
    assert framework.finals() == ["Hello?"]


async def test_the_end_of_everything_makes_words_final_that_nobody_has_answered() -> None:
    framework = Framework()
    framework.receives(CALLER)
    framework.generations.end()
    assert framework.finals() == ["Hello?"]
    assert framework.journal.lines() == [Line(by_caller=True, text="Hello?")]
