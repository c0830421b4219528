"""Plans and answers in words, and as JSON. Pure. Passwords, PINs, headers and attributes of others are shown as ***."""

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict

from telephony.declared import OWNER_ATTRIBUTE, RULE_ATTRIBUTE
from telephony.plan import Change, Existing, Message, Plan
from telephony.routing import Answer, Call

_MASKED = {"auth_password", "pin"}
_MASKED_MAPS = {"headers", "attributes"}
"""Their values may be anything that somebody's systems tell each other."""
_OWN_ATTRIBUTES = (RULE_ATTRIBUTE, OWNER_ATTRIBUTE)
_SIGNS = {"create": "+", "replace": "~", "delete": "-"}
_LONGEST = 100

Fields = dict[str, str]


def plan_text(plan: Plan) -> str:
    """A plan as a person reads it."""
    lines = [line for change in plan.changes for line in _change_lines(change)]
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
            "fields": {path: {"before": before, "after": after} for path, before, after in differences(change)},
        }
        for change in plan.changes
    ]
    return json.dumps(
        {"changes": changes, "notes": list(plan.notes), "mistakes": list(plan.taken)}, indent=2, ensure_ascii=False
    )


def existing_text(existing: Existing) -> str:
    """What the server has."""
    listed: list[tuple[str, Message]] = [("trunk", trunk) for trunk in sorted(existing.trunks, key=lambda trunk: trunk.name)]
    listed += [("rule", rule) for rule in sorted(existing.rules, key=lambda rule: rule.name)]
    lines = []
    for kind, message in listed:
        lines.append(f'{kind} "{message.name}"')
        lines += [f"    {path}: {value}" for path, value in fields(message).items() if path != "name"]
    return "\n".join(lines) or "there are no trunks and no rules"


def existing_json(existing: Existing) -> str:
    """What the server has, for programs."""
    told = {"trunks": [fields(trunk) for trunk in existing.trunks], "rules": [fields(rule) for rule in existing.rules]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def differences(change: Change) -> list[tuple[str, str | None, str | None]]:
    """Each field that changes: its path, before, after; None where there is nothing."""
    before, after = (fields(message) if message is not None else {} for message in (change.before, change.after))
    hidden_before, hidden_after = _secrets(change.before), _secrets(change.after)
    paths = [*after, *(path for path in before if path not in after)]
    changed = [p for p in paths if before.get(p) != after.get(p) or hidden_before.get(p) != hidden_after.get(p)]
    return [(path, before.get(path), after.get(path)) for path in changed]


def fields(message: Message) -> Fields:
    """A message's fields that are set, by path; passwords and PINs as ***."""
    return dict(_flat("", MessageToDict(message, preserving_proto_field_name=True), masked=True))


def _secrets(message: Message | None) -> Fields:
    if message is None:
        return {}
    every = _flat("", MessageToDict(message, preserving_proto_field_name=True), masked=False)
    return {path: value for path, value in every if _is_secret(path)}


def _is_secret(path: str) -> bool:
    first, _, key = path.partition(".")
    return path.rpartition(".")[2] in _MASKED or (first in _MASKED_MAPS and bool(key) and key not in _OWN_ATTRIBUTES)


def _flat(path: str, value: Any, *, masked: bool) -> Iterator[tuple[str, str]]:
    if masked and _is_secret(path):
        yield path, "***"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner, masked=masked)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from _flat(f"{path}[{index}]", inner, masked=masked)
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _change_lines(change: Change) -> list[str]:
    lines = [f'{_SIGNS[change.action]} {change.kind} "{change.name}"{f" ({change.id})" if change.id else ""}']
    for path, before, after in differences(change):
        if path != "name" and change.action == "create":
            lines.append(f"    {path}: {after}")
        elif change.action == "replace":
            changed = " (another one)" if before == after else ""
            lines.append(f"    {path}: {before or '(none)'} -> {after or '(none)'}{changed}")
    return lines


def answer_text(call: Call, said: Answer, open_by_from: str = "") -> str:
    """What happens to a call, in words.

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


def _numbers(said: Answer) -> str:
    assert said.trunk is not None
    return (
        f", by its numbers {', '.join(said.trunk.numbers)}"[:_LONGEST] if said.trunk.numbers else ", as it takes every number"
    )


def _password(said: Answer) -> str:
    assert said.trunk is not None
    return f'asked of user "{said.trunk.auth_username}"' if said.asks_password else "NOT asked"


def _accepted(said: Answer) -> list[str]:
    assert said.rule is not None
    room = f"{said.room}{'<12 random letters>' if said.random_end else ''}"
    lines = [f'  rule: "{said.rule.name}"', f"  room: {room}" if room else "  room: NONE. The caller would be in no room"]
    lines += [
        f'  agent: "{agent.agent_name}" is dispatched{f", told {agent.metadata}" if agent.metadata else ""}'
        for agent in said.rule.room_config.agents
    ]
    if not said.rule.room_config.agents:
        lines.append("  agent: NONE named; only a worker without a name would come")
    elif not said.random_end:
        lines.append("  note: callers can meet in this room; the agent comes with the call that opens it")
    lines += [
        f'  note: rule "{name}" has this number in another spelling, and LiveKit compares letter by letter'
        for name in said.passed_over
    ]
    return [*lines, f'  caller: identity "{said.identity}", name "{said.name}"']
