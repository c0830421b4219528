"""The trunks and rules of telephony.toml as LiveKit's messages. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from livekit import api

from telephony.spec import Inbound, Rule, Spec

M = TypeVar("M", api.SIPInboundTrunkInfo, api.SIPDispatchRuleInfo)

RULE_ATTRIBUTE = "earshot.rule"
"""A rule's name among the caller's attributes: the agent sees which rule let the call in."""
OWNER_ATTRIBUTE = "earshot.owner"
"""A rule's owner, among the same attributes: a rule's metadata would become the caller's."""
UNNAMED_OWNER = "earshot"
"""The owner of a rule that has `RULE_ATTRIBUTE` and names no owner. `apply` made such rules before files could have an `owner`,
and marked trunks with this word."""


@dataclass(frozen=True)
class Declared:
    """The file's trunks and rules, in its order. Neither has an id, and a rule's `trunk_ids` are the names of its trunks."""

    owner: str
    """The owner that marks them: as a trunk's metadata, as a rule's attribute `OWNER_ATTRIBUTE`."""
    trunks: tuple[api.SIPInboundTrunkInfo, ...]
    rules: tuple[api.SIPDispatchRuleInfo, ...]

    def as_listed(self) -> "Declared":
        """The trunks and rules as a server would list them; the id of each is its name."""
        trunks = [_copy(trunk) for trunk in self.trunks]
        rules = [_copy(rule) for rule in self.rules]
        for trunk in trunks:
            trunk.sip_trunk_id = trunk.name
        for rule in rules:
            rule.sip_dispatch_rule_id = rule.name
        return Declared(self.owner, tuple(trunks), tuple(rules))


def declared(spec: Spec, passwords: Mapping[str, str] | None = None) -> Declared:
    """The file's trunks and rules.

    Args:
        spec: the file.
        passwords: by the name of the environment variable (`telephony.settings` reads them); without them a password is the
            name of its variable, for questions that no password answers.
    """
    owner = spec.owner or spec.agent
    trunks = tuple(_trunk(trunk, owner, passwords) for trunk in spec.inbound)
    return Declared(owner, trunks, tuple(rule_message(rule, spec.agent, owner) for rule in spec.rule))


def _trunk(trunk: Inbound, owner: str, passwords: Mapping[str, str] | None) -> api.SIPInboundTrunkInfo:
    variable = trunk.auth_password_env or ""
    return api.SIPInboundTrunkInfo(
        name=trunk.name,
        metadata=owner,
        numbers=trunk.numbers,
        allowed_addresses=trunk.allowed_addresses,
        allowed_numbers=trunk.allowed_numbers,
        auth_username=trunk.auth_username or "",
        auth_password=passwords[variable] if variable and passwords is not None else variable,
        ringing_timeout=Duration(seconds=trunk.ringing_timeout_s),
        max_call_duration=Duration(seconds=trunk.longest_call_s),
    )


def _copy(message: M) -> M:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def rule_message(rule: Rule, agent: str, owner: str) -> api.SIPDispatchRuleInfo:
    """A rule of the file; `agent` answers when the rule names none."""
    dispatch = api.RoomAgentDispatch(agent_name=rule.agent or agent, metadata=_dispatch_metadata(rule))
    return api.SIPDispatchRuleInfo(
        name=rule.name,
        rule=_room(rule),
        trunk_ids=rule.trunks,
        numbers=rule.numbers,
        inbound_numbers=rule.callers,
        hide_phone_number=rule.hide_caller,
        attributes={RULE_ATTRIBUTE: rule.name, OWNER_ATTRIBUTE: owner},
        room_config=api.RoomConfiguration(agents=[dispatch], max_participants=rule.most_participants),
    )


def _room(rule: Rule) -> api.SIPDispatchRule:
    pin = rule.pin or ""
    match rule.kind:
        case "direct":
            return api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=rule.room or "", pin=pin))
        case "individual":
            individual = api.SIPDispatchRuleIndividual(room_prefix=rule.room_prefix, pin=pin, no_randomness=not rule.randomize)
            return api.SIPDispatchRule(dispatch_rule_individual=individual)
        case "callee":
            callee = api.SIPDispatchRuleCallee(room_prefix=rule.room_prefix, pin=pin, randomize=rule.randomize)
            return api.SIPDispatchRule(dispatch_rule_callee=callee)


def _dispatch_metadata(rule: Rule) -> str:
    """The dispatch's metadata, which the worker reads (`agent/persona.py`)."""
    wishes = {"persona": rule.persona, "language": rule.language}
    said = {key: wish for key, wish in wishes.items() if wish is not None}
    return json.dumps(said) if said else ""
