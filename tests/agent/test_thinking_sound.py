"""The soft sound for a caller who waits: it begins soon enough, never covers a voice, and never plays for nothing."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from agent.errors import PersonaError
from agent.persona import load
from agent.voice.thinking_player import RATE_HZ, frames, samples
from agent.voice.thinking_sound import ANSWER_S, QUIET_S, THINKS_S, ThinkingSound
from caller.ear import AUDIBLE_RMS, SILENCE_S


def plays(sound: ThinkingSound, now: float) -> bool:
    span = sound.plays_between()
    return span is not None and span[0] <= now < span[1]


def running(now: float = 0.0) -> ThinkingSound:
    sound = ThinkingSound()
    sound.tool_started("1", now)
    return sound


def test_it_begins_once_a_tool_has_left_the_caller_in_silence_and_lasts_until_the_answer() -> None:
    sound = running()
    assert not plays(sound, QUIET_S - 0.01)
    assert plays(sound, QUIET_S)
    sound.tool_ended("1", 3.0, is_answered=True)
    assert plays(sound, 3.9)
    sound.agent_speaks(4.0, begins=True)
    assert not plays(sound, 4.0)
    sound.agent_speaks(6.0, begins=False)
    assert not plays(sound, 60.0)


def test_an_answer_that_does_not_come_ends_it() -> None:
    sound = running()
    sound.tool_ended("1", 3.0, is_answered=True)
    assert plays(sound, 3.0 + ANSWER_S - 0.01)
    assert not plays(sound, 3.0 + ANSWER_S)


def test_a_quick_tool_has_no_sound_however_long_its_answer_takes() -> None:
    sound = running()
    sound.tool_ended("1", 0.2, is_answered=True)
    assert not any(plays(sound, at / 10) for at in range(100))


def test_a_result_that_is_not_spoken_about_ends_it() -> None:
    sound = running()
    sound.tool_ended("1", 3.0, is_answered=False)
    assert not plays(sound, 3.0)


def test_a_second_tool_goes_on_with_the_sound_of_the_first() -> None:
    sound = running()
    sound.tool_ended("1", 2.0, is_answered=True)
    sound.tool_started("2", 2.1)
    assert plays(sound, 2.2)
    sound.tool_started("3", 2.3)
    sound.tool_ended("2", 2.5, is_answered=True)
    assert plays(sound, 30.0)


@pytest.mark.parametrize("speaks", [ThinkingSound.agent_speaks, ThinkingSound.caller_speaks])
def test_a_voice_ends_it_and_the_silence_after_that_brings_it_back_while_the_tool_runs(speaks: Any) -> None:
    sound = running()
    speaks(sound, 1.0, begins=True)
    assert not plays(sound, 5.0)
    speaks(sound, 5.0, begins=False)
    assert not plays(sound, 5.0 + QUIET_S - 0.01)
    assert plays(sound, 5.0 + QUIET_S)


def test_a_tool_that_waits_for_another_agent_has_no_sound() -> None:
    """As `await AgentTask()` in a tool: somebody talks to the caller meanwhile."""
    sound = running()
    sound.agent_handed_off()
    assert not plays(sound, 5.0)
    sound.tool_ended("1", 6.0, is_answered=True)
    assert not plays(sound, 7.0)


def test_a_model_that_thinks_for_long_has_the_sound_until_it_answers() -> None:
    sound = ThinkingSound()
    sound.caller_speaks(0.0, begins=True)
    sound.caller_speaks(2.0, begins=False)
    sound.model_thinks(2.5, begins=True)
    assert not plays(sound, 2.5 + THINKS_S - 0.01)
    assert plays(sound, 2.5 + THINKS_S)
    assert plays(sound, 12.0)
    sound.agent_speaks(12.0, begins=True)
    sound.model_thinks(12.0, begins=False)
    sound.agent_speaks(15.0, begins=False)
    assert not plays(sound, 60.0)


def test_a_wait_that_ends_without_an_answer_ends_the_sound() -> None:
    """As when the caller's sound was a noise, and the session says that it listens again."""
    sound = ThinkingSound()
    sound.model_thinks(0.0, begins=True)
    assert plays(sound, THINKS_S)
    sound.model_thinks(3.0, begins=False)
    assert not plays(sound, 3.0)


def test_an_answer_ends_the_thinking_whatever_state_the_session_says_was_before() -> None:
    """`thinking` was told before the answer, and LiveKit's session says that it has listened until then."""
    sound = ThinkingSound()
    sound.agent_state(0.0, before="listening", after="thinking")
    assert plays(sound, THINKS_S)
    sound.agent_state(2.0, before="listening", after="speaking")
    sound.agent_state(4.0, before="speaking", after="listening")
    assert not plays(sound, 60.0)


def test_a_wait_that_goes_on_after_the_recorded_voice_has_the_sound_again() -> None:
    sound = ThinkingSound()
    sound.agent_state(0.0, before="listening", after="thinking")
    sound.agent_state(2.0, before="listening", after="speaking")
    sound.agent_state(4.0, before="speaking", after="listening")
    sound.agent_state(4.0, before="listening", after="thinking")
    assert not plays(sound, 4.0 + THINKS_S - 0.01)
    assert plays(sound, 4.0 + THINKS_S)


def test_the_recorded_voice_interrupts_the_sound_of_a_model_that_thinks() -> None:
    sound = ThinkingSound()
    sound.model_thinks(0.0, begins=True)
    sound.agent_speaks(2.0, begins=True)
    assert not plays(sound, 2.5)
    sound.agent_speaks(3.0, begins=False)
    assert not plays(sound, 3.0 + THINKS_S - 0.01)
    assert plays(sound, 3.0 + THINKS_S)


EVENTS = st.sampled_from(
    [f"{what} {sign}" for what in ("agent", "caller", "model") for sign in "+-"]
    + ["start 1", "start 2", "end 1", "end 2", "cancel 1"]
)


@given(st.lists(st.tuples(EVENTS, st.floats(0.01, 2.0)), max_size=30))
def test_in_any_order_it_never_covers_a_voice_and_never_plays_for_nothing(steps: list[tuple[str, float]]) -> None:
    sound, now = ThinkingSound(), 0.0
    tools, speaking, last_end, thinks = set[str](), set[str](), -ANSWER_S, False
    for event, after_s in steps:
        now += after_s
        what, who = event.split()
        if what == "start":
            tools.add(who)
            sound.tool_started(who, now)
        elif what in {"end", "cancel"}:
            last_end = now if who in tools else last_end
            tools.discard(who)
            sound.tool_ended(who, now, is_answered=what == "end")
        elif what == "model":
            thinks = who == "+"
            sound.model_thinks(now, begins=thinks)
        else:
            (speaking.add if who == "+" else speaking.discard)(what)
            told = sound.agent_speaks if what == "agent" else sound.caller_speaks
            told(now, begins=who == "+")
        for later_s in (0.0, QUIET_S, ANSWER_S, 60.0):
            if plays(sound, now + later_s):
                assert not speaking
                assert tools or thinks or now + later_s < last_end + ANSWER_S


def test_the_sound_is_soft_and_has_no_gap_that_is_heard_as_silence() -> None:
    blocks = samples().reshape(-1, RATE_HZ // 100).astype(float)
    rms = np.sqrt((blocks**2).mean(axis=1))
    assert AUDIBLE_RMS < rms.max() < 1000, "between the quietest that the tests' ear hears and 30 dB below full scale"
    gaps = [len(list(run)) for is_audible, run in itertools.groupby(np.tile(rms, 2) >= AUDIBLE_RMS) if not is_audible]
    assert max(gaps) * 0.01 < SILENCE_S
    assert gaps[0] * 0.01 <= 0.2, "it begins to be heard at once"
    assert abs(np.diff(samples().astype(int))).max() < 100, "it has no clicks"


async def test_the_sound_comes_at_the_pace_at_which_it_is_heard() -> None:
    """What comes too early would be heard over the answer."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    sound = frames(lambda: False)
    heard = [await anext(sound) for _ in range(20)]
    assert {(frame.sample_rate, frame.num_channels, frame.samples_per_channel) for frame in heard} == {
        (RATE_HZ, 1, RATE_HZ // 50)
    }
    assert loop.time() - began_at >= 19 * 0.02 - 0.12


async def test_the_sound_fades_out_and_ends() -> None:
    """It is over after ten frames of 20 ms: within three more it is silent, without a click, and nothing follows."""
    asked = itertools.count()
    heard = np.concatenate([np.frombuffer(frame.data, dtype=np.int16) async for frame in frames(lambda: next(asked) >= 10)])
    assert len(heard) == 13 * RATE_HZ // 50
    assert np.array_equal(heard[: RATE_HZ // 5], samples()[: RATE_HZ // 5])
    assert np.abs(np.diff(heard.astype(int))).max() < 100
    assert np.abs(heard[-RATE_HZ // 100 :].astype(int)).max() == 0


@pytest.mark.parametrize(
    ("text", "in_browser", "on_telephone"),
    [("", True, False), ("true", True, False), ("false", False, False), ('"always"', True, True)],
)
def test_a_persona_says_who_hears_it(tmp_path: Path, text: str, *, in_browser: bool, on_telephone: bool) -> None:
    setting = f"thinking_sound = {text}" if text else ""
    (tmp_path / "own.toml").write_text(f'instructions = "Be brief."\n{setting}')
    persona = load("own", tmp_path)
    assert persona.plays_thinking_sound(on_telephone=False) == in_browser
    assert persona.plays_thinking_sound(on_telephone=True) == on_telephone


@pytest.mark.parametrize("text", ['"sometimes"', "2", "1", "[]"])
def test_anything_else_is_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.toml").write_text(f'instructions = "Be brief."\nthinking_sound = {text}')
    with pytest.raises(PersonaError, match=r'thinking_sound is .*; it must be true, false or "always"'):
        load("own", tmp_path)
