"""LiveKit's token request (livekit_token_source.proto): read in both casings, and bounded. Pure.

LiveKit's Python packages have no class for it (docs/facts.md L265).
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from token_server.errors import RefusedError
from token_server.names import LONGEST_NAME, free_identity, is_reserved, visible
from token_server.request_body import bad_field, json_object

LONGEST_METADATA = 4096
MOST_ATTRIBUTES = 32
MOST_AGENTS = 3
MOST_TEXT_BYTES = 4096
"""All texts of a request together, as UTF-8. They travel in the token, which travels in a URL: proxies cut those at 8 KiB."""

Name = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(visible)]
Text = Annotated[str, Field(max_length=LONGEST_METADATA)]
Attributes = Annotated[dict[Name, Text], Field(max_length=MOST_ATTRIBUTES)]


def _without_nulls(value: Any) -> Any:
    """Proto JSON writes null for a field that isn't set."""
    return {key: inner for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    _nulls = model_validator(mode="before")(_without_nulls)


class AgentEntry(_Wire):
    """An agent that the client asks for (RoomAgentDispatch)."""

    agent_name: Name = ""
    """The agent's name; empty means the token server's AGENT_NAME."""
    metadata: Text = ""
    deployment: Name = ""
    restart_policy: Literal["JRP_ON_FAILURE", "JRP_NEVER"] | Annotated[int, Field(ge=0, le=1)] = "JRP_ON_FAILURE"
    attributes: Attributes = Field(default_factory=dict)


def _with_agents_alone(value: Any) -> Any:
    """Leave out what says nothing: some clients write a whole RoomConfiguration of empty fields."""
    return {key: inner for key, inner in value.items() if inner} if isinstance(value, dict) else value


class RoomConfig(_Wire):
    """The part of a RoomConfiguration that a caller may set: the agents. Egress and limits are the operator's."""

    model_config = ConfigDict(extra="forbid")

    agents: Annotated[tuple[AgentEntry, ...], Field(max_length=MOST_AGENTS)] = ()


class TokenRequest(_Wire):
    """A client's token request; every field may be left out."""

    room_name: Name = ""
    participant_identity: Annotated[Name, AfterValidator(free_identity)] = ""
    participant_name: Name = ""
    participant_metadata: Text = ""
    participant_attributes: Attributes = Field(default_factory=dict)
    room_config: Annotated[RoomConfig, BeforeValidator(_with_agents_alone)] = RoomConfig()


_CAMEL_CASE = {to_camel(name) for name in TokenRequest.model_fields}


def read_request(body: bytes) -> tuple[TokenRequest, bool]:
    """Read a request's body; empty means "anything".

    Returns:
        The request, and whether it was written in camelCase.

    Raises:
        RefusedError: it is no such request, or holds more than is passed on.
    """
    content = json_object(body)
    try:
        request = TokenRequest.model_validate(content)
    except ValidationError as invalid:
        raise bad_field(invalid) from None
    check_texts(request)
    return request, not _CAMEL_CASE.isdisjoint(content)


def check_texts(request: TokenRequest) -> None:
    """Check what its fields alone don't show.

    Raises:
        RefusedError: it has an attribute of LiveKit's, or more text than a token may have.
    """
    _check_attributes(request)
    if _text_bytes(request) > MOST_TEXT_BYTES:
        sentence = f"Names, metadata and attributes are longer than {MOST_TEXT_BYTES} bytes together."
        raise RefusedError(400, "bad_field", sentence)


def _check_attributes(request: TokenRequest) -> None:
    for attributes in (request.participant_attributes, *(entry.attributes for entry in request.room_config.agents)):
        for key in attributes:
            if is_reserved(key):
                sentence = f"The attribute {key!r} is LiveKit's own; choose another name."
                raise RefusedError(400, "reserved_attribute", sentence)


def _text_bytes(request: TokenRequest) -> int:
    texts = [request.room_name, request.participant_identity, request.participant_name, request.participant_metadata]
    attributes = [request.participant_attributes]
    for entry in request.room_config.agents:
        texts += [entry.agent_name, entry.metadata, entry.deployment]
        attributes.append(entry.attributes)
    for each in attributes:
        texts += [*each.keys(), *each.values()]
    return sum(len(text.encode()) for text in texts)
