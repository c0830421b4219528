"""Plans and answers in words, and as JSON. Pure.

Passwords, PINs, and whatever others may keep in a trunk or rule (headers, attributes, metadata, ...) are shown as ***.
"""

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict

from telephony.declared import OWNER_ATTRIBUTE, RULE_ATTRIBUTE
from telephony.plan import Change, Existing, Message, Plan, owners
from telephony.routing import Call, RoutingResult

_OPEN_MESSAGES = {
    *("rule", "dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee"),
    *("room_config", "agents", "media", "codecs"),
}
"""Messages within a trunk or rule whose fields may be shown; a field of any other is somebody's own business."""
_CLEAR = {
    *("sip_trunk_id", "sip_dispatch_rule_id", "name", "numbers", "allowed_addresses", "allowed_numbers", "auth_username"),
    *("trunk_ids", "inbound_numbers", "room_name", "room_prefix", "agent_name"),
    *("ringing_timeout", "max_call_duration", "media_timeout", "created_at", "updated_at"),
    *("include_headers", "media_encryption", "encryption", "restart_policy"),
}
"""Fields of text that are shown; numbers and booleans are shown as well. What LiveKit adds is masked until it stands here."""
_OWN_ATTRIBUTES = {f"attributes.{RULE_ATTRIBUTE}", f"attributes.{OWNER_ATTRIBUTE}"}
_WISHES = {"persona", "language"}
"""The keys that this project writes into an agent's metadata."""
_SIGNS = {"create": "+", "replace": "~", "delete": "-"}
_LONGEST = 100

Fields = dict[str, str]


def plan_text(plan: Plan) -> str:
    """A plan as a person reads it."""
    lines = [line for change in plan.changes for line in _change_lines(change, plan.owners)]
    count = {action: sum(change.action == action for change in plan.changes) for action in _SIGNS}
    if plan.changes:
        lines += ["", f"{count['create']} to create, {count['replace']} to replace, {count['delete']} to delete"]
    else:
        lines += ["nothing to do: the server has what the file says"]
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join([*lines, *(f"MISTAKE: {taken}" for taken in plan.taken)])


def plan_json(plan: Plan) -> str:
    """A plan for programs: `changes`, each with action, kind, name, id and fields (before, after), `notes` and `mistakes`."""
    changes = [
        {
            "action": change.action,
            "kind": change.kind,
            "name": change.name,
            "id": change.id,
            "fields": {path: {"before": before, "after": after} for path, before, after in differences(change, plan.owners)},
        }
        for change in plan.changes
    ]
    return json.dumps(
        {"changes": changes, "notes": list(plan.notes), "mistakes": list(plan.taken)}, indent=2, ensure_ascii=False
    )


def existing_text(existing: Existing) -> str:
    """The server's trunks and rules as a person reads them."""
    listed: list[tuple[str, Message]] = [("trunk", trunk) for trunk in sorted(existing.trunks, key=lambda trunk: trunk.name)]
    listed += [("rule", rule) for rule in sorted(existing.rules, key=lambda rule: rule.name)]
    lines, known = [], owners(existing)
    for kind, message in listed:
        lines.append(f'{kind} "{message.name}"')
        lines += [f"    {path}: {value}" for path, value in fields(message, known).items() if path != "name"]
    return "\n".join(lines) or "there are no trunks and no rules"


def existing_json(existing: Existing) -> str:
    """The server's trunks and rules as JSON."""
    known = owners(existing)
    told = {"trunks": [fields(one, known) for one in existing.trunks], "rules": [fields(one, known) for one in existing.rules]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def differences(change: Change, owners: AbstractSet[str]) -> list[tuple[str, str | None, str | None]]:
    """The fields that change, each with path, value before and value after; None where there is no value.

    Args:
        change: the change.
        owners: the metadata of trunks that may be shown.
    """
    before, after = ({} if message is None else dict(_flat(message, owners)) for message in (change.before, change.after))
    paths = [*after, *(path for path in before if path not in after)]
    return [(path, _shown(before.get(path)), _shown(after.get(path))) for path in paths if before.get(path) != after.get(path)]


def fields(message: Message, owners: AbstractSet[str]) -> Fields:
    """A message's fields that are set, by path; what may be a secret as ***."""
    return {path: value.shown for path, value in _flat(message, owners)}


@dataclass(frozen=True)
class _Value:
    text: str = field(repr=False)
    clear: bool

    @property
    def shown(self) -> str:
        return self.text if self.clear else "***"


def _shown(value: _Value | None) -> str | None:
    return None if value is None else value.shown


def _flat(message: Message, owners: AbstractSet[str]) -> Iterator[tuple[str, _Value]]:
    def walk(path: str, name: str, value: Any, *, within_open: bool) -> Iterator[tuple[str, _Value]]:
        if isinstance(value, dict):
            is_open = within_open and name in {"", *_OPEN_MESSAGES}
            for key, inner in value.items():
                yield from walk(f"{path}.{key}" if path else key, key, inner, within_open=is_open)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, inner in enumerate(value):
                yield from walk(f"{path}[{index}]", name, inner, within_open=within_open)
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            known = name in _CLEAR or isinstance(value, bool | int | float) or (name == "metadata" and _is_ours(text, owners))
            yield path, _Value(text, (within_open and known) or path in _OWN_ATTRIBUTES)

    return walk("", "", MessageToDict(message, preserving_proto_field_name=True), within_open=True)


def _is_ours(metadata: str, owners: AbstractSet[str]) -> bool:
    """Whether metadata says no more than this project writes: an owner's name, or wishes for the agent."""
    if metadata in owners:
        return True
    try:
        said = json.loads(metadata)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.keys() <= _WISHES


def _change_lines(change: Change, known: AbstractSet[str]) -> list[str]:
    lines = [f'{_SIGNS[change.action]} {change.kind} "{change.name}"{f" ({change.id})" if change.id else ""}']
    for path, before, after in differences(change, known):
        if path != "name" and change.action == "create":
            lines.append(f"    {path}: {after}")
        elif change.action == "replace":
            changed = " (another one)" if before == after else ""
            lines.append(f"    {path}: {before or '(none)'} -> {after or '(none)'}{changed}")
    return lines


def answer_text(call: Call, said: RoutingResult, open_by_from: str = "") -> str:
    """The routing of a call as a person reads it.

    Args:
        call: the call.
        said: the server's answer.
        open_by_from: the host in From that lets the same call in from any address (`telephony.routing.open_by_from`).
    """
    lines = [f"A call from {call.caller} to {call.called}{f' by {call.source_ip}' if call.source_ip else ''}:"]
    if said.trunk is not None:
        lines += [f'  trunk: "{said.trunk.name}" takes it{_numbers(said)}', f"  password: {_password(said)}"]
        if not call.source_ip and said.trunk.allowed_addresses:
            lines.append(f"  address: it must come from {', '.join(said.trunk.allowed_addresses)}")
    elif said.outcome in {"accept", "pin"}:
        lines.append("  trunk: NONE. The rule has no trunk, and so lets every stranger in; give it one")
    match said.outcome:
        case "drop":
            lines.append(f"  not answered: {said.reason}")
        case "error":
            lines.append(f"  fails: {said.reason}")
        case "pin":
            assert said.rule is not None
            lines.append(f'  rule: "{said.rule.name}" asks for its PIN first (try --pin); a wrong one ends the call')
        case "accept":
            lines += _accepted(said)
    return "\n".join([*lines, *_by_from(call, open_by_from)])


def _by_from(call: Call, host: str) -> Iterator[str]:
    if host:
        yield "  note: with livekit-sip addresses alone keep nobody out. LiveKit compares them with From's host, too:"
        yield f"    who writes From: <sip:{call.caller}@{host}> is let in from anywhere. Close the SIP port in a firewall"
        yield "    to all but these addresses, or give the trunk a password. The embedded line compares the source only"


def _numbers(said: RoutingResult) -> str:
    assert said.trunk is not None
    return (
        f", by its numbers {', '.join(said.trunk.numbers)}"[:_LONGEST] if said.trunk.numbers else ", as it takes every number"
    )


def _password(said: RoutingResult) -> str:
    assert said.trunk is not None
    return f'asked of user "{said.trunk.auth_username}"' if said.asks_password else "NOT asked"


def _told(metadata: str) -> str:
    return f", told {metadata if _is_ours(metadata, frozenset()) else '***'}" if metadata else ""


def _accepted(said: RoutingResult) -> list[str]:
    assert said.rule is not None
    room = f"{said.room}{'<12 random letters>' if said.random_end else ''}"
    lines = [f'  rule: "{said.rule.name}"', f"  room: {room}" if room else "  room: NONE. The caller would be in no room"]
    lines += [f'  agent: "{agent.agent_name}" is dispatched{_told(agent.metadata)}' for agent in said.rule.room_config.agents]
    if not said.rule.room_config.agents:
        lines.append("  agent: NONE named; only a worker without a name would come")
    elif not said.random_end:
        lines.append("  note: callers can meet in this room; the agent comes with the call that opens it")
    lines += [
        f'  note: rule "{name}" has this number in another spelling, and LiveKit compares letter by letter'
        for name in said.passed_over
    ]
    return [*lines, f'  caller: identity "{said.identity}", name "{said.name}"']
