"""The classes that a persona's file names: of its agent, `agent = "examples.booking:BookingDesk"`, and of its toolsets."""

import importlib
from collections.abc import Callable
from typing import cast

from livekit.agents import llm

from agent.errors import PersonaError
from agent.persona import Persona
from agent.tools import CallControl
from agent.voice import VoiceAgent

AgentMaker = Callable[[Persona, CallControl], VoiceAgent]
ToolsetMaker = Callable[[CallControl], llm.Toolset]


def agent_class(persona: Persona) -> AgentMaker | None:
    """The class that a persona's file names; None if it names none.

    Raises:
        PersonaError: there is no such class, or it is no `VoiceAgent`.
    """
    if persona.agent is None:
        return None
    return cast(AgentMaker, _class(persona, "agent", persona.agent, VoiceAgent))


def toolset_classes(persona: Persona) -> list[ToolsetMaker]:
    """The classes in `tools.toolsets` of a persona's file. Each is made of the call that its tools act on.

    Raises:
        PersonaError: there is no such class, or it is no `Toolset` of LiveKit's.
    """
    return [
        cast(ToolsetMaker, _class(persona, f"tools.toolsets[{number}]", name, llm.Toolset))
        for number, name in enumerate(persona.tools.toolsets)
    ]


def _class(persona: Persona, key: str, named: str, base: type) -> type:
    module, _, name = named.partition(":")
    if not module or not name:
        fix = 'write the module and the class, such as "examples.booking:BookingDesk"'
        raise PersonaError(persona.name, f"{key} is {named!r}; {fix}")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # whoever wrote the module may have made any mistake
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise PersonaError(persona.name, f"{key} is {named!r}: {module} can't be imported ({reason})") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        derived = "agent.voice.VoiceAgent" if base is VoiceAgent else "livekit.agents.llm.Toolset"
        raise PersonaError(persona.name, f"{key} is {named!r}: {module} has no class {name} that derives from {derived}")
    return found
