"""The plan: the changes after which the server has what the file declares. Pure.

Trunks and rules of our owner are matched by name, and by the numbers they take where a name has changed, and replaced whole:
LiveKit's ids can't be chosen, and its partial updates can't empty a list. Whatever another owner has, or none, is not ours.

Deletions come last, so that a failure on the way leaves no number without a trunk. Only what takes the numbers of something new
goes right before it: the server refuses the new one otherwise.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from livekit import api

from telephony.declared import OWNER_ATTRIBUTE, RULE_ATTRIBUTE, UNNAMED_OWNER, Declared
from telephony.routing import claims, normal

Message = api.SIPInboundTrunkInfo | api.SIPDispatchRuleInfo
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Existing:
    """The server's trunks and rules, as it lists them."""

    trunks: tuple[api.SIPInboundTrunkInfo, ...] = ()
    rules: tuple[api.SIPDispatchRuleInfo, ...] = ()


@dataclass(frozen=True)
class Change:
    """A change, made by one call of the API. A rule's `trunk_ids` are names of trunks, or ids of unknown trunks in <>."""

    action: Literal["create", "replace", "delete"]
    name: str
    id: str
    """The server's id; empty for "create"."""
    before: Message | None = field(repr=False)
    """The trunk or rule on the server, without its id; None for "create"."""
    after: Message | None = field(repr=False)

    @property
    def kind(self) -> Literal["trunk", "rule"]:
        return "trunk" if isinstance(self.before or self.after, api.SIPInboundTrunkInfo) else "rule"


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]
    """The changes, in the order in which they are made."""
    kept_trunks: dict[str, str]
    """The ids of the trunks that stay, by name. Trunks that are created get theirs from the server."""
    notes: tuple[str, ...] = ()
    """Sentences about trunks and rules of other owners that matter for this plan."""
    taken: tuple[str, ...] = ()
    """Sentences about names of the file that trunks and rules of other owners have: with one, the plan can't be made."""
    owners: frozenset[str] = frozenset()
    """The file's owner and those of `owners`: metadata that may be shown."""

    @property
    def deletions(self) -> int:
        return sum(change.action == "delete" for change in self.changes)


def plan(wanted: Declared, existing: Existing, *, prune: bool = False, adopt: bool = False) -> Plan:
    """The changes from what there is to what is wanted.

    Args:
        wanted: the file.
        existing: the server's list.
        prune: delete what the file doesn't name even where it isn't ours.
        adopt: what has a name of the file becomes ours, whosever it was.
    """
    trunks = _matched(wanted.trunks, _candidates(wanted.trunks, existing.trunks, wanted.owner, adopt=adopt))
    names = {trunk.sip_trunk_id: name for name, trunk in trunks.items()}
    listed = [_by_name(rule, names) for rule in existing.rules]
    rules = _matched(wanted.rules, _candidates(wanted.rules, listed, wanted.owner, adopt=adopt))
    staying: list[Message] = [*trunks.values(), *rules.values()]
    kept = {id_of(message) for message in staying}
    everything: list[Message] = [*listed, *existing.trunks]
    leaving = [m for m in everything if id_of(m) not in kept and (prune or owner_of(m) == wanted.owner)]
    trunk_changes, rule_changes = _changes(wanted.trunks, trunks), _changes(wanted.rules, rules)
    first = [message for message in leaving if _stands_in_the_way(message, (*trunk_changes, *rule_changes))]
    last = [message for message in leaving if message not in first]
    changes = (*_deletions(first), *trunk_changes, *rule_changes, *_deletions(last))
    ours = kept | {id_of(message) for message in leaving}
    kept_ids = {name: trunk.sip_trunk_id for name, trunk in trunks.items()}
    known = owners(existing) | {wanted.owner}
    others = {id_of(message): f"belongs to {owner_of(message)!r}" for message in everything if owner_of(message) in known}
    taken = (
        *_taken("trunk", _missing(wanted.trunks, existing.trunks, wanted.owner) - trunks.keys(), existing.trunks, others),
        *_taken("rule", _missing(wanted.rules, existing.rules, wanted.owner) - rules.keys(), existing.rules, others),
    )
    fix = f"give yours another name, or take it over with --adopt; this file's owner is {wanted.owner!r}"
    mistakes = () if prune else tuple(f"{name}: {fix}" for name in taken)
    return Plan(changes, kept_ids, _notes(wanted, existing, ours), mistakes, known)


def removal(existing: Existing, wanted: Declared) -> Plan:
    """The changes that take away everything that `apply` has made for this file's owner."""
    own = Existing(
        tuple(trunk for trunk in existing.trunks if owner_of(trunk) == wanted.owner),
        tuple(rule for rule in existing.rules if owner_of(rule) == wanted.owner),
    )
    return plan(Declared(wanted.owner, (), ()), own)


def id_of(message: Message) -> str:
    """The server's id of a trunk or rule."""
    return message.sip_trunk_id if isinstance(message, api.SIPInboundTrunkInfo) else message.sip_dispatch_rule_id


def owner_of(message: Message) -> str:
    """The owner of a trunk or rule, by its mark; empty if `apply` has not made it."""
    if isinstance(message, api.SIPInboundTrunkInfo):
        return message.metadata
    return message.attributes.get(OWNER_ATTRIBUTE) or (UNNAMED_OWNER if RULE_ATTRIBUTE in message.attributes else "")


def owners(existing: Existing) -> frozenset[str]:
    """Every owner that has a rule on the server. Any other metadata of a trunk may be anything, a secret as well."""
    return frozenset(owner_of(rule) for rule in existing.rules) - {""}


def _missing(wanted: Sequence[Message], listed: Sequence[Message], owner: str) -> set[str]:
    """Names of the file that nothing of ours has on the server."""
    return {message.name for message in wanted} - {message.name for message in listed if owner_of(message) == owner}


def _candidates(wanted: Sequence[M], listed: Sequence[M], owner: str, *, adopt: bool) -> list[M]:
    """The listed messages that are the owner's or may become it, in the order of their ids."""
    adopted = _missing(wanted, listed, owner) if adopt else set()
    return sorted((m for m in listed if owner_of(m) == owner or m.name in adopted), key=id_of)


def _matched(wanted: Sequence[M], candidates: Sequence[M]) -> dict[str, M]:
    """The messages that stay on the server, by their wanted names; each is replaced or left as it is.

    What takes over a claim of another that stays is made anew instead: the server would refuse to replace either first.
    """
    by_name = {message.name: message for message in wanted}
    kept: dict[str, M] = {}
    for message in candidates:
        if message.name in by_name and (message.name not in kept or _bare(message) == _bare(by_name[message.name])):
            kept[message.name] = message
    free = [message for message in candidates if message.name not in by_name]
    for name in [name for name in by_name if name not in kept]:
        renamed = next((message for message in free if _claims(message) & _claims(by_name[name])), None)
        if renamed is not None:
            free.remove(renamed)
            kept[name] = renamed
    taking = {
        name for name in kept for other, message in kept.items() if name != other and _claims(by_name[name]) & _claims(message)
    }
    return {name: message for name, message in kept.items() if name not in taking}


def _changes(wanted: Sequence[M], kept: dict[str, M]) -> list[Change]:
    replaced = [Change("replace", m.name, id_of(kept[m.name]), _bare(kept[m.name]), _bare(m)) for m in wanted if m.name in kept]
    created = [Change("create", message.name, "", None, _bare(message)) for message in wanted if message.name not in kept]
    return [*(change for change in replaced if change.before != change.after), *created]


def _stands_in_the_way(leaving: Message, changes: Iterable[Change]) -> bool:
    """Whether the server would refuse one of the changes while that is there."""
    return any(
        type(change.after) is type(leaving) and _claims(leaving) & _claims(change.after)
        for change in changes
        if change.after is not None
    )


def _deletions(messages: Iterable[Message]) -> Iterator[Change]:
    for message in messages:
        yield Change("delete", message.name, id_of(message), _bare(message), None)


def _by_name(rule: api.SIPDispatchRuleInfo, names: dict[str, str]) -> api.SIPDispatchRuleInfo:
    named = api.SIPDispatchRuleInfo()
    named.CopyFrom(rule)
    named.ClearField("trunk_ids")
    named.trunk_ids.extend(names.get(trunk_id, f"<{trunk_id}>") for trunk_id in rule.trunk_ids)
    return named


def _bare(message: M) -> M:
    """A copy without the fields that the server adds."""
    bare = copy.deepcopy(message)
    for name in ("sip_trunk_id", "sip_dispatch_rule_id", "created_at", "updated_at"):
        if name in bare.DESCRIPTOR.fields_by_name:
            bare.ClearField(name)
    if bare.HasField("media") and not bare.media.ListFields():
        bare.ClearField("media")
    return bare


def _claims(message: Message) -> AbstractSet[tuple[str, ...]]:
    """The calls that a trunk or rule takes. No two of a kind may take the same call."""
    if isinstance(message, api.SIPDispatchRuleInfo):
        return set(claims(message))
    return {(normal(n), normal(c)) for n in message.numbers or [""] for c in message.allowed_numbers or [""]}


def _taken(kind: str, missing: AbstractSet[str], listed: Sequence[Message], belongs: Mapping[str, str]) -> Iterator[str]:
    """Sentences about messages of other owners under `missing` names. `belongs`: whose they are, by id, where that is known."""
    for message in listed:
        if message.name in missing:
            yield f'{kind} "{message.name}" ({id_of(message)}) {belongs.get(id_of(message), "was made by others")}'


def _notes(wanted: Declared, existing: Existing, ours: AbstractSet[str]) -> tuple[str, ...]:
    """Sentences about messages that stay and aren't this owner's. `ours`: ids of those that are kept or deleted."""
    notes = []
    taken = {normal(number) for trunk in wanted.trunks for number in trunk.numbers}
    own = {trunk.sip_trunk_id: trunk.name for trunk in existing.trunks if trunk.sip_trunk_id in ours}
    for trunk in existing.trunks:
        if trunk.sip_trunk_id not in ours:
            both = [number for number in trunk.numbers if normal(number) in taken]
            clash = f", and has {', '.join(both)}, too: delete it, or `--prune`" if both else ""
            notes.append(f'trunk "{trunk.name}" ({trunk.sip_trunk_id}) is not from this file and stays{clash}')
    for rule in existing.rules:
        if rule.sip_dispatch_rule_id not in ours:
            names = ", ".join(own[trunk_id] for trunk_id in rule.trunk_ids if trunk_id in own)
            effect = f", and takes calls of {names}" if names else ""
            effect = effect if rule.trunk_ids else ", and has no trunk: it lets EVERY STRANGER in"
            notes.append(f'rule "{rule.name}" ({rule.sip_dispatch_rule_id}) is not from this file and stays{effect}')
    return tuple(notes)
