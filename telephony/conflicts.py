"""Checks of telephony.toml that span several keys: trunks that overlap, rules that contradict, trunks open to everybody. Pure.

LiveKit refuses some of this one by one, while a plan is half applied; most it accepts.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from telephony.declared import rule_message
from telephony.routing import claims, normal, rank
from telephony.spec import OPEN_TO_ALL, Inbound, LineSpec, Rule, Spec
from telephony.toml_lines import KeyPath

Found = tuple[KeyPath, str]


def conflicts(spec: Spec) -> Iterator[Found]:
    """Every mistake that spans several keys, with its place."""
    for index, trunk in enumerate(spec.inbound):
        yield from _trunk(("inbound", index), trunk, spec)
    for index, rule in enumerate(spec.rule):
        yield from _rule(("rule", index), rule, spec)
    yield from _names("inbound", [trunk.name for trunk in spec.inbound])
    yield from _names("rule", [rule.name for rule in spec.rule])
    yield from _overlapping_trunks(spec.inbound)
    for (_, one), (index, other) in combinations(enumerate(spec.rule), 2):
        yield from _pair(one, other, ("rule", index), spec)
    yield from _password(("line",), spec.line)


def _trunk(place: KeyPath, trunk: Inbound, spec: Spec) -> Iterator[Found]:
    yield from _password(place, trunk)
    yield from _twice((*place, "numbers"), trunk.numbers)
    yield from _twice((*place, "allowed_numbers"), trunk.allowed_numbers)
    if not trunk.guarded and trunk.allowed_addresses:
        fix = "write your carrier's networks, or add auth_username and auth_password_env"
        index = next(index for index, address in enumerate(trunk.allowed_addresses) if address in OPEN_TO_ALL)
        open_to_all = trunk.allowed_addresses[index]
        yield (*place, "allowed_addresses", index), f"is {open_to_all!r}, which is everybody, and there is no password; {fix}"
    elif not trunk.guarded:
        fix = "add auth_username and auth_password_env, or allowed_addresses with your carrier's networks"
        yield (*place, "name"), f"is {trunk.name!r}, which lets anybody call who finds the port; {fix}"
    if not any(trunk.name in rule.trunks for rule in spec.rule):
        yield (*place, "name"), f"is {trunk.name!r}, which no [[rule]] has among its trunks: nobody would answer; add a rule"


def _password(place: KeyPath, table: Inbound | LineSpec) -> Iterator[Found]:
    if table.auth_username is not None and table.auth_password_env is None:
        fix = "add auth_password_env: LiveKit asks nobody for a password when only the user name is there"
        yield (*place, "auth_username"), f"is {table.auth_username!r} without a password; {fix}"
    if table.auth_password_env is not None and table.auth_username is None:
        yield (*place, "auth_password_env"), f"is {table.auth_password_env!r} without a user name; add auth_username"


def _twice(place: KeyPath, numbers: Sequence[str]) -> Iterator[Found]:
    for index, number in enumerate(numbers):
        same = next((other for other in numbers[:index] if normal(other) == normal(number)), None)
        if same is not None:
            yield (*place, index), f"is {number!r}, for LiveKit the same as {same!r}; keep the one that your carrier sends"


def _names(table: str, names: Sequence[str]) -> Iterator[Found]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (table, index, "name"), f"is {name!r}, as that of another [[{table}]]; names are how `plan` finds them again"


def _overlapping_trunks(trunks: Sequence[Inbound]) -> Iterator[Found]:
    for (_, one), (index, other) in combinations(enumerate(trunks), 2):
        if not one.numbers and not other.numbers:
            fix = f"so is {one.name!r}; give one of them numbers: LiveKit fails a call that two trunks take"
            yield ("inbound", index, "name"), f"is {other.name!r}, a trunk for every number; {fix}"
        taken = {normal(number) for number in one.numbers}
        for position, number in enumerate(other.numbers):
            if normal(number) in taken:
                fix = "a number belongs to one trunk: LiveKit fails a call that two trunks take"
                yield ("inbound", index, "numbers", position), f"is {number!r}, which trunk {one.name!r} has; {fix}"


def _rule(place: KeyPath, rule: Rule, spec: Spec) -> Iterator[Found]:
    trunks = {trunk.name: trunk for trunk in spec.inbound}
    for position, name in enumerate(rule.trunks):
        if name not in trunks:
            known = ", ".join(trunks) or "none"
            yield (*place, "trunks", position), f"is {name!r}, but no [[inbound]] has that name; there are: {known}"
        elif name in rule.trunks[:position]:
            yield (*place, "trunks", position), f"is {name!r} again; once is enough"
    yield from _twice((*place, "numbers"), rule.numbers)
    yield from _twice((*place, "callers"), rule.callers)
    own = [trunks[name] for name in rule.trunks if name in trunks]
    if own and all(trunk.numbers for trunk in own):
        had = {normal(number) for trunk in own for number in trunk.numbers}
        for position, number in enumerate(rule.numbers):
            if normal(number) not in had:
                yield (
                    (*place, "numbers", position),
                    f"is {number!r}, which none of the rule's trunks has; add it to one's numbers",
                )
    if rule.kind == "direct":
        if rule.room is None:
            yield (*place, "kind"), "is 'direct' without `room`; add it: LiveKit would accept the call into no room at all"
        for key in sorted({"room_prefix", "randomize"} & rule.model_fields_set):
            yield (*place, key), 'means nothing with kind = "direct"; the room\'s whole name is `room`'
    elif rule.room is not None:
        yield (*place, "room"), f'is {rule.room!r} with kind = "{rule.kind}"; write room_prefix, or kind = "direct"'


def _pair(one: Rule, other: Rule, place: KeyPath, spec: Spec) -> Iterator[Found]:
    """Two rules; `place` is the second's."""
    trunks = sorted(set(one.trunks) & set(other.trunks))
    if not trunks:
        return
    messages = rule_message(one, spec.agent, ""), rule_message(other, spec.agent, "")
    if set(claims(messages[0])) & set(claims(messages[1])):
        fix = "give one of them other numbers, callers or a PIN: LiveKit allows one rule for each"
        yield (*place, "name"), f"is {other.name!r}, a rule for the same calls on trunk {trunks[0]!r} as {one.name!r}; {fix}"
    elif _meet(one.numbers, other.numbers) and _meet(one.callers, other.callers):
        filters = [bool(rule.numbers) + bool(rule.callers) for rule in (one, other)]
        first, last = (one, other) if rank(messages[0]) < rank(messages[1]) else (other, one)
        if last.pin and not first.pin:
            fix = f"give {last.name!r} the same numbers and callers, or {first.name!r} a PIN"
            yield (
                (*place, "name"),
                f"is {other.name!r}: with its filters {first.name!r} outranks the PIN of {last.name!r}; {fix}",
            )
        elif filters == [1, 1] and one.pin == other.pin and not _settled(one, other, spec):
            fix = "give one of them both numbers and callers: LiveKit would choose by kind and by the room's name"
            yield (*place, "name"), f"is {other.name!r}; a call can fit it and {one.name!r} equally well; {fix}"


def _meet(some: Sequence[str], others: Sequence[str]) -> bool:
    return not some or not others or bool(set(some) & set(others))


def _settled(one: Rule, other: Rule, spec: Spec) -> bool:
    """Whether a third rule, with both filters, takes every call that fits two with one filter each."""
    numbers, callers = set(one.numbers + other.numbers), set(one.callers + other.callers)
    trunks = set(one.trunks) & set(other.trunks)
    return any(
        rule.numbers
        and rule.callers
        and rule.pin == one.pin
        and numbers <= set(rule.numbers)
        and callers <= set(rule.callers)
        and trunks <= set(rule.trunks)
        for rule in spec.rule
    )
