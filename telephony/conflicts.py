"""What single tables don't show: trunks that overlap, rules that no call reaches, doors that stay open. Pure."""

import ipaddress
from collections.abc import Iterator

from telephony.positions import Place
from telephony.spec import Inbound, Line, Rule, Spec

Found = tuple[Place, str]


def conflicts(spec: Spec) -> Iterator[Found]:
    """Every mistake that spans several keys, with its place."""
    for index, trunk in enumerate(spec.inbound):
        yield from _trunk(("inbound", index), trunk)
    for index, rule in enumerate(spec.rule):
        yield from _rule(("rule", index), rule)
        for position, name in enumerate(rule.trunks):
            if name not in {trunk.name for trunk in spec.inbound}:
                known = ", ".join(f'"{trunk.name}"' for trunk in spec.inbound) or "none"
                yield ("rule", index, "trunks", position), f"is {name!r}, but no [[inbound]] has that name; there are {known}"
    yield from _line(spec)


def _password(place: Place, table: Inbound | Line) -> Iterator[Found]:
    if table.auth_username is not None and table.auth_password_env is None:
        fix = "add auth_password_env: LiveKit asks nobody for a password when only the user name is there"
        yield (*place, "auth_username"), f"is {table.auth_username!r} without a password; {fix}"
    if table.auth_password_env is not None and table.auth_username is None:
        yield (*place, "auth_password_env"), "is a password without auth_username; add the user name"


def _trunk(place: Place, trunk: Inbound) -> Iterator[Found]:
    yield from _password(place, trunk)
    if not trunk.allowed_addresses and trunk.auth_password_env is None:
        fix = "add auth_username and auth_password_env, or allowed_addresses with your carrier's networks"
        yield place, f"lets anybody call who finds the port; {fix}"


def _rule(place: Place, rule: Rule) -> Iterator[Found]:
    if rule.kind == "direct":
        if rule.room is None:
            yield place, 'kind = "direct" needs `room`: LiveKit would accept the call into no room at all'
        for key in {"room_prefix", "randomize"} & rule.model_fields_set:
            yield (*place, key), 'means nothing with kind = "direct"; the room\'s whole name is `room`'
    elif rule.room is not None:
        yield (*place, "room"), f'is {rule.room!r} with kind = "{rule.kind}"; write room_prefix, or kind = "direct"'


def _line(spec: Spec) -> Iterator[Found]:
    yield from _password(("line",), spec.line)
    if ipaddress.ip_address(spec.line.host).is_loopback or spec.line.guarded:
        return
    for trunk in spec.inbound:
        if not trunk.guarded:
            fix = "give that trunk a password or allowed_addresses, or the line; or listen on 127.0.0.1"
            yield ("line", "host"), f'is {spec.line.host!r}, and trunk "{trunk.name}" lets any address in; {fix}'
