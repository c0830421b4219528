"""The agent's attributes that are known when its call begins (docs/events.md). Pure."""

from agent.call.call_room import TRANSLATION, TURNS_ATTRIBUTE
from agent.call.transport import INTERRUPTIONS_ATTRIBUTE, MODEL_ATTRIBUTE, SERVICE_ATTRIBUTE
from agent.gemini import EarshotModel
from agent.persona import Persona

PERSONA_ATTRIBUTE = "earshot.persona"
WORKER_ATTRIBUTE = "earshot.worker"
"""The attribute with LiveKit's id of the worker that has the call. No list of LiveKit's has it (docs/facts.md L441)."""


def agent_attributes(persona: Persona, model: EarshotModel, service: str, worker: str) -> dict[str, str]:
    """The attributes of the agent.

    Args:
        persona: That of the call.
        model: The model that answers.
        service: The service that it belongs to: a `Service` of agent/endpoint.py.
        worker: The worker's id.
    """
    shown = {
        PERSONA_ATTRIBUTE: persona.name,
        WORKER_ATTRIBUTE: worker,
        MODEL_ATTRIBUTE: model.model,
        SERVICE_ATTRIBUTE: service,
        INTERRUPTIONS_ATTRIBUTE: "" if model.turn_rules.interruptible else "off",
        TURNS_ATTRIBUTE: TRANSLATION if persona.translates else "",
    }
    return {name: value for name, value in shown.items() if value}
