"""The model's calls of functions, and what it says about their results."""

import itertools
from collections.abc import Mapping
from functools import partial

from emulator.agenda import Agenda, TurnQueue
from emulator.answers import Answers, Rule, fill
from emulator.messages import FunctionResponse, Json, Tool
from emulator.profile import Profile
from emulator.sessions import Memory
from emulator.speaking import Speaking, call_id
from emulator.tool_rounds import ToolRound

_RESULT = "result"

_call_numbers = itertools.count(1_019_612)


class ToolUse:
    """The function calls of one session."""

    def __init__(self, profile: Profile, answers: Answers, memory: Memory, speaking: Speaking) -> None:
        self._profile = profile
        self._answers = answers
        self._memory = memory
        self._speaking = speaking

    def call(self, rule: Rule, facts: dict[str, object], declared: Mapping[str, Tool], now: float) -> None:
        """Call a rule's functions, as far as they are declared."""
        profile = self._profile
        default = "NON_BLOCKING" if profile.tools.tools_non_blocking else "BLOCKING"
        calls = [call for call in rule.calls if call.name in declared]
        blocking = not profile.tools.non_blocking or "BLOCKING" in {declared[call.name].behavior or default for call in calls}
        functions: list[Json] = [
            {"id": call_id(profile, next(_call_numbers)), "name": call.name, "args": dict(call.args)} for call in calls
        ]
        waiting = {str(each["id"]): str(each["name"]) for each in functions}
        self._memory.rounds.open(ToolRound(rule, facts, waiting, blocking))
        self._speaking.call(functions, now, completes=not blocking and not rule.meanwhile)
        if rule.meanwhile and not blocking:
            self._speaking.say(rule.meanwhile, now)

    def take(self, response: FunctionResponse, now: float, agenda: Agenda, turns: TurnQueue, *, caller_speaking: bool) -> None:
        """Take a result. After the last one of a round the model speaks about them, unless it is to be silent."""
        tools = self._memory.rounds.take(response)
        if tools is None:
            return
        profile, speaking = self._profile, self._speaking
        rule = self._answers.about(tools.facts) or tools.rule
        says = "" if tools.silent and profile.tools.scheduling else fill(rule.says, tools.facts)
        if tools.urgent and says and profile.tools.scheduling and not tools.blocking and not caller_speaking:
            speaking.interrupt(now, self._memory.rounds.drop_blocking())
        speaking.prepare("" if rule.plays else says)
        when = now + profile.speaking.tool_answer_s
        if says and tools.blocking and speaking.turn_open and not profile.tools.double_completion:
            speaking.answer_in_turn(says, when, pcm=rule.plays)
        elif says:
            agenda.at(when, _RESULT, partial(turns.add, _RESULT, partial(speaking.say, says, pcm=rule.plays)))
        if tools.blocking and speaking.turn_open and (not says or profile.tools.double_completion):
            speaking.complete(now)
