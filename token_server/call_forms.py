"""The forms of the HTTP API of calls: what requests say, and what the answers have. Pure."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from token_server.grants import ROOM_PATTERN
from token_server.names import free_identity
from token_server.token_request import LONGEST_METADATA, Attributes, Name, Text

MOST_CALLS_LISTED = 100
LONGEST_ROOM_NAME = 128
PERSONA = r"^[a-z0-9][a-z0-9_-]{0,63}$"
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
"""The shape of a BCP-47 code."""
CALL_ID = r"RM_[A-Za-z0-9]{1,64}"
"""The shape of the ids that livekit-server gives to rooms."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NewCaller(_Form):
    """The participant who joins the call with the token that the answer has."""

    identity: Annotated[Name, AfterValidator(free_identity)] = ""
    """The participant's identity in the room. Without it the token server makes one."""
    name: Name = ""
    """The participant's name, as others in the room see it."""
    metadata: Text = ""
    """The participant's metadata."""
    attributes: Attributes = Field(default_factory=dict)
    """The participant's attributes."""


class NewCall(_Form):
    """A call to start: a new room, with the agent dispatched into it. Every field may be left out."""

    room: Annotated[str, Field(pattern=f"^({ROOM_PATTERN})?$")] = ""
    """The name of the room, which must not exist yet. Without it the token server makes one that can't be guessed."""
    persona: Annotated[str, Field(pattern=PERSONA)] | None = None
    """The persona that answers. Without it the worker's default (PERSONA)."""
    language: Annotated[str, Field(pattern=LANGUAGE)] | None = None
    """The language that the agent speaks, as a BCP-47 code. Without it the persona's."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What else the dispatch asks the worker for, such as `{"record": false}`."""
    caller: NewCaller | None = None
    """Set, even to an empty object, if the answer is to have a token for a caller."""

    @model_validator(mode="after")
    def _is_plain(self) -> "NewCall":
        for name in ("persona", "language"):
            if getattr(self, name) is not None and name in self.metadata:
                raise ValueError(f"{name}: it is in metadata, too; give it once")
        if len(self.dispatch_metadata) > LONGEST_METADATA:
            raise ValueError(f"metadata: it is longer than {LONGEST_METADATA} characters, as JSON")
        return self

    @property
    def dispatch_metadata(self) -> str:
        """The metadata of the agent's dispatch, as the worker reads it; empty if it asks for nothing."""
        wishes = {"persona": self.persona, "language": self.language}
        wanted = {name: wish for name, wish in wishes.items() if wish is not None} | self.metadata
        return json.dumps(wanted) if wanted else ""


class CallQuery(_Form):
    """Which calls to list."""

    room: Annotated[str, Field(min_length=1, max_length=LONGEST_ROOM_NAME)] | None = None
    """Only the call in the room of this name."""
    after: Annotated[str, Field(pattern=rf"^[0-9]{{1,15}}\.{CALL_ID}$")] | None = None
    """Only calls that come after those of an earlier answer: its `next`."""
    limit: int = Field(default=50, ge=1, le=MOST_CALLS_LISTED)
    """Most calls in the answer."""


class CallToken(_Form):
    """What a caller needs to join the call."""

    identity: str
    server_url: str
    """The URL of LiveKit for clients."""
    participant_token: str
    """A token that opens the room for TOKEN_LIFE_S seconds."""


class StartedCall(_Form):
    """A call that was started."""

    id: str
    """The call's id, which is LiveKit's id of its room (`sid`). Webhooks have it, too."""
    room: str
    started_at: datetime
    caller: CallToken | None = None
    """Not null if the request asked for a token."""


class CallAgent(_Form):
    """The agent of a call, as it is in the room."""

    identity: str
    state: str | None = None
    """LiveKit's attribute `lk.agent.state`: `initializing`, `listening`, `thinking` or `speaking`."""
    model: str | None = None
    """The Gemini model that answers."""
    worker: str | None = None
    """The id of the worker that has the call, as its log has it."""
    joined_at: datetime


class CallParticipant(_Form):
    """A participant other than the agent that answers: a caller, a listener, a telephone, another agent."""

    identity: str
    name: str
    kind: str
    """LiveKit's kind of participant, in small letters, such as `standard`, `sip` (a telephone) or `agent` (another agent)."""
    joined_at: datetime


class Call(_Form):
    """A call: a room that the agent is in, or is dispatched into."""

    id: str
    """The call's id, which is LiveKit's id of its room (`sid`)."""
    room: str
    started_at: datetime
    """The time at which the room was created (UTC)."""
    state: Literal["waiting", "running", "ending"]
    """`waiting`: the agent isn't there yet. `ending`: it is about to leave."""
    persona: str | None = None
    """The persona that answers; while the agent isn't there, the one that was asked for."""
    agent: CallAgent | None = None
    participants: tuple[CallParticipant, ...] = ()
    """Everybody else in the room, in the order in which they joined."""


class CallList(_Form):
    """Calls, the newest first."""

    calls: tuple[Call, ...]
    next: str | None = None
    """The value of `after` for the calls that come next. Null: there are no more."""


class Refusal(_Form):
    """The body of an answer that is a refusal."""

    code: str
    """For programs; token_server/README.md lists them."""
    message: str
    """A sentence for people."""
