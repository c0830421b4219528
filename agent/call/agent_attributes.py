"""The agent's attributes that are known when its call begins (docs/events.md). Pure."""

from agent.call.call_room import TRANSLATION, TURNS_ATTRIBUTE
from agent.call.transport import INTERRUPTIONS_ATTRIBUTE, MODEL_ATTRIBUTE, SERVICE_ATTRIBUTE
from agent.persona import Persona

PERSONA_ATTRIBUTE = "earshot.persona"
WORKER_ATTRIBUTE = "earshot.worker"
"""The attribute with LiveKit's id of the worker that has the call. No list of LiveKit's has it (docs/facts.md L441)."""


def agent_attributes(persona: Persona, model: str, service: str, worker: str, *, interruptible: bool) -> dict[str, str]:
    """The attributes of the agent.

    Args:
        persona: That of the call.
        model: The name of the model that answers.
        service: The service that it belongs to: a `Service` of agent/endpoint.py.
        worker: The worker's id.
        interruptible: Whether the caller's voice interrupts the agent.
    """
    shown = {
        PERSONA_ATTRIBUTE: persona.name,
        WORKER_ATTRIBUTE: worker,
        MODEL_ATTRIBUTE: model,
        SERVICE_ATTRIBUTE: service,
        INTERRUPTIONS_ATTRIBUTE: "" if interruptible else "off",
        TURNS_ATTRIBUTE: TRANSLATION if persona.translates else "",
    }
    return {name: value for name, value in shown.items() if value}
