"""The class of a persona's agent, by the name in its file: `agent = "examples.booking:BookingDesk"`."""

import importlib
from collections.abc import Callable
from typing import cast

from agent.errors import PersonaError
from agent.persona import Persona
from agent.tools import CallControl
from agent.voice import VoiceAgent

AgentMaker = Callable[[Persona, CallControl], VoiceAgent]


def agent_class(persona: Persona) -> AgentMaker | None:
    """The class that a persona's file names; None if it names none.

    Raises:
        PersonaError: there is no such class, or it is no `VoiceAgent`.
    """
    if persona.agent is None:
        return None
    module, _, name = persona.agent.partition(":")
    if not module or not name:
        fix = 'write the module and the class, such as "examples.booking:BookingDesk"'
        raise PersonaError(persona.name, f"agent is {persona.agent!r}; {fix}")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as error:  # whoever wrote the module may have made any mistake
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise PersonaError(persona.name, f"agent is {persona.agent!r}: {module} can't be imported ({reason})") from error
    if not (isinstance(found, type) and issubclass(found, VoiceAgent)):
        fix = f"{module} has no class {name} that derives from agent.voice.VoiceAgent"
        raise PersonaError(persona.name, f"agent is {persona.agent!r}: {fix}")
    return cast(AgentMaker, found)
