"""What has to be done so that the server has what the file declares. Pure.

Trunks and rules are matched by name and replaced whole: LiveKit's ids can't be chosen, and its partial updates can't empty a
list. Deletions come first, so that a number is free when its new trunk takes it; rules go before trunks and come after them.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from livekit import api

from telephony.declared import OWNER, RULE_ATTRIBUTE, Declared
from telephony.routing import claims, normal

Message = api.SIPInboundTrunkInfo | api.SIPDispatchRuleInfo
M = TypeVar("M", api.SIPInboundTrunkInfo, api.SIPDispatchRuleInfo)


@dataclass(frozen=True)
class Existing:
    """What the server has, as it lists it."""

    trunks: tuple[api.SIPInboundTrunkInfo, ...] = ()
    rules: tuple[api.SIPDispatchRuleInfo, ...] = ()


@dataclass(frozen=True)
class Change:
    """One call of the API. A rule's `trunk_ids` are names of trunks, or ids of trunks that aren't there, in <>."""

    action: Literal["create", "replace", "delete"]
    name: str
    id: str
    """Empty for "create"."""
    before: Message | None = field(repr=False)
    """Without its id."""
    after: Message | None = field(repr=False)

    @property
    def kind(self) -> Literal["trunk", "rule"]:
        return "trunk" if isinstance(self.before or self.after, api.SIPInboundTrunkInfo) else "rule"


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]
    """In the order in which they are made."""
    kept_trunks: dict[str, str]
    """Name to id, of the trunks that stay; those that are created get theirs from the server."""
    notes: tuple[str, ...] = ()
    """What is on the server, isn't ours, and matters."""


def plan(wanted: Declared, existing: Existing, *, prune: bool = False) -> Plan:
    """The changes from what there is to what is wanted.

    Args:
        wanted: the file.
        existing: the server's list.
        prune: delete what the file doesn't name even where `apply` has not made it.
    """
    trunks = _matched(wanted.trunks, existing.trunks, _trunk_id, _trunk_claims)
    names = {trunk.sip_trunk_id: name for name, trunk in trunks.items()}
    listed = [_by_name(rule, names) for rule in existing.rules]
    rules = _matched(wanted.rules, listed, _rule_id, lambda rule: set(claims(rule)))
    leaving_trunks = [t for t in existing.trunks if trunks.get(t.name) is not t and (prune or is_ours(t, wanted))]
    leaving_rules = [r for r in listed if rules.get(r.name) is not r and (prune or is_ours(r, wanted))]
    changes = [
        *(Change("delete", rule.name, rule.sip_dispatch_rule_id, _bare(rule), None) for rule in leaving_rules),
        *(Change("delete", trunk.name, trunk.sip_trunk_id, _bare(trunk), None) for trunk in leaving_trunks),
        *_changes(wanted.trunks, trunks, _trunk_id),
        *_changes(wanted.rules, rules, _rule_id),
    ]
    gone = {change.id for change in changes if change.action == "delete"}
    return Plan(tuple(changes), {name: trunk.sip_trunk_id for name, trunk in trunks.items()}, _notes(wanted, existing, gone))


def removal(existing: Existing, wanted: Declared) -> Plan:
    """The changes that take away everything that `apply` has made."""
    made = Existing(
        tuple(trunk for trunk in existing.trunks if is_ours(trunk, wanted)),
        tuple(rule for rule in existing.rules if is_ours(rule, wanted)),
    )
    return plan(Declared((), ()), made, prune=True)


def is_ours(message: Message, wanted: Declared) -> bool:
    """Whether `apply` has made it, or the file has its name."""
    if isinstance(message, api.SIPInboundTrunkInfo):
        return message.metadata == OWNER or message.name in {trunk.name for trunk in wanted.trunks}
    return RULE_ATTRIBUTE in message.attributes or message.name in {rule.name for rule in wanted.rules}


def _matched(
    wanted: Sequence[M], existing: Sequence[M], id_of: Callable[[M], str], claims_of: Callable[[M], AbstractSet[object]]
) -> dict[str, M]:
    """By name, what stays on the server and is replaced or left as it is.

    What takes over a claim of another that stays is made anew instead: the server would refuse to replace either first.
    """
    by_name = {message.name: message for message in wanted}
    kept: dict[str, M] = {}
    for message in sorted(existing, key=id_of):
        if message.name in by_name and (message.name not in kept or _bare(message) == _bare(by_name[message.name])):
            kept[message.name] = message
    taking = {
        name
        for name in kept
        for other, message in kept.items()
        if name != other and claims_of(by_name[name]) & claims_of(message)
    }
    return {name: message for name, message in kept.items() if name not in taking}


def _changes(wanted: Sequence[M], kept: dict[str, M], id_of: Callable[[M], str]) -> Iterable[Change]:
    replaced = [Change("replace", m.name, id_of(kept[m.name]), _bare(kept[m.name]), _bare(m)) for m in wanted if m.name in kept]
    yield from (change for change in replaced if change.before != change.after)
    yield from (Change("create", message.name, "", None, _bare(message)) for message in wanted if message.name not in kept)


def _by_name(rule: api.SIPDispatchRuleInfo, names: dict[str, str]) -> api.SIPDispatchRuleInfo:
    named = api.SIPDispatchRuleInfo()
    named.CopyFrom(rule)
    named.ClearField("trunk_ids")
    named.trunk_ids.extend(names.get(trunk_id, f"<{trunk_id}>") for trunk_id in rule.trunk_ids)
    return named


def _bare(message: M) -> M:
    """Without what the server adds by itself."""
    bare = type(message)()
    bare.CopyFrom(message)
    for name in ("sip_trunk_id", "sip_dispatch_rule_id", "created_at", "updated_at"):
        if name in bare.DESCRIPTOR.fields_by_name:
            bare.ClearField(name)
    if bare.HasField("media") and not bare.media.ListFields():
        bare.ClearField("media")
    return bare


def _trunk_id(trunk: api.SIPInboundTrunkInfo) -> str:
    return trunk.sip_trunk_id


def _rule_id(rule: api.SIPDispatchRuleInfo) -> str:
    return rule.sip_dispatch_rule_id


def _trunk_claims(trunk: api.SIPInboundTrunkInfo) -> AbstractSet[tuple[str, str]]:
    return {(normal(n), normal(c)) for n in trunk.numbers or [""] for c in trunk.allowed_numbers or [""]}


def _notes(wanted: Declared, existing: Existing, gone: AbstractSet[str]) -> tuple[str, ...]:
    notes = []
    taken = {normal(number) for trunk in wanted.trunks for number in trunk.numbers}
    left = "is not from this file and stays"
    for trunk in existing.trunks:
        if trunk.sip_trunk_id not in gone and not is_ours(trunk, wanted):
            both = [number for number in trunk.numbers if normal(number) in taken]
            clash = f", and has {', '.join(both)}, too: delete it, or `--prune`" if both else ""
            notes.append(f'trunk "{trunk.name}" ({trunk.sip_trunk_id}) {left}{clash}')
    ours = {trunk.sip_trunk_id: trunk.name for trunk in existing.trunks if is_ours(trunk, wanted)}
    for rule in existing.rules:
        if rule.sip_dispatch_rule_id not in gone and not is_ours(rule, wanted):
            names = ", ".join(ours[trunk_id] for trunk_id in rule.trunk_ids if trunk_id in ours)
            effect = f", and takes calls of {names}" if names else ""
            effect = effect if rule.trunk_ids else ", and has no trunk: it lets EVERY STRANGER in"
            notes.append(f'rule "{rule.name}" ({rule.sip_dispatch_rule_id}) {left}{effect}')
    return tuple(notes)
