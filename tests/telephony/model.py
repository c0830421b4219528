"""A livekit-server as `plan` and `apply` see it: what it keeps, what it refuses, and what others do to it."""

import itertools

from livekit import api

from telephony.declared import Declared
from telephony.plan import Existing, Plan
from telephony.routing import claims, normal


class ModelRefusedError(Exception):
    """The server's refusal of a trunk or rule that contradicts another."""


class Model:
    """A livekit-server's trunks and rules, with the server's own refusals; ids count up."""

    def __init__(self) -> None:
        self.trunks: dict[str, api.SIPInboundTrunkInfo] = {}
        self.rules: dict[str, api.SIPDispatchRuleInfo] = {}
        self._ids = itertools.count(1)

    def existing(self) -> Existing:
        return Existing(tuple(self.trunks.values()), tuple(self.rules.values()))

    def apply(self, found: Plan) -> None:
        ids = dict(found.kept_trunks)
        for change in found.changes:
            match change.after:
                case None:
                    del (self.trunks if change.kind == "trunk" else self.rules)[change.id]
                case api.SIPInboundTrunkInfo() as trunk:
                    ids[change.name] = self.put_trunk(trunk, change.id)
                case api.SIPDispatchRuleInfo() as rule:
                    self.put_rule(rule, [ids[name] for name in rule.trunk_ids], change.id)

    def put_trunk(self, trunk: api.SIPInboundTrunkInfo, known_id: str = "") -> str:
        put = api.SIPInboundTrunkInfo.FromString(trunk.SerializeToString())
        put.sip_trunk_id = known_id or f"ST_{next(self._ids)}"
        assert not known_id or known_id in self.trunks
        for other in self.trunks.values():
            if other.sip_trunk_id != put.sip_trunk_id and takes(other) & takes(put):
                raise ModelRefusedError
        self.trunks[put.sip_trunk_id] = put
        return put.sip_trunk_id

    def put_rule(self, rule: api.SIPDispatchRuleInfo, trunk_ids: list[str], known_id: str = "") -> None:
        put = api.SIPDispatchRuleInfo.FromString(rule.SerializeToString())
        put.sip_dispatch_rule_id = known_id or f"SDR_{next(self._ids)}"
        put.ClearField("trunk_ids")
        put.trunk_ids.extend(trunk_ids)
        put.media.SetInParent()  # as livekit-server does
        assert not known_id or known_id in self.rules
        for other in self.rules.values():
            if other.sip_dispatch_rule_id != put.sip_dispatch_rule_id and set(claims(other)) & set(claims(put)):
                raise ModelRefusedError
        self.rules[put.sip_dispatch_rule_id] = put


def takes(trunk: api.SIPInboundTrunkInfo) -> set[tuple[str, str]]:
    return {(normal(n), normal(c)) for n in trunk.numbers or [""] for c in trunk.allowed_numbers or [""]}


def has_exactly(model: Model, wanted: Declared) -> None:
    names = {trunk_id: trunk.name for trunk_id, trunk in model.trunks.items()}
    trunks = sorted(without_ids(trunk) for trunk in model.trunks.values())
    assert trunks == sorted(without_ids(trunk) for trunk in wanted.trunks)
    rules = []
    for rule in model.rules.values():
        named = [names[trunk_id] for trunk_id in rule.trunk_ids]
        rules.append((named, without_ids(rule)))
    assert sorted(rules) == sorted((list(rule.trunk_ids), without_ids(rule)) for rule in wanted.rules)


def without_ids(message: api.SIPInboundTrunkInfo | api.SIPDispatchRuleInfo) -> str:
    bare = type(message).FromString(message.SerializeToString())
    for name in ("sip_trunk_id", "sip_dispatch_rule_id", "trunk_ids", "media"):
        if name in bare.DESCRIPTOR.fields_by_name:
            bare.ClearField(name)
    return str(bare)


def drift(model: Model, kinds: list[str]) -> None:
    """Change the model as somebody else may change the server by its API."""
    for kind in kinds:
        trunk, rule = next(iter(model.trunks.values()), None), next(iter(model.rules.values()), None)
        if trunk is not None and kind == "password":
            trunk.auth_username, trunk.auth_password = "x", "y"
        elif trunk is not None and kind == "numbers":
            free = {"9", "8"} - {number for other in model.trunks.values() for number in other.numbers}
            trunk.numbers.extend(sorted(free)[:1])
        elif trunk is not None and kind == "rename":
            trunk.name = "renamed"
        elif trunk is not None and kind == "forget":
            del model.trunks[trunk.sip_trunk_id]
        elif rule is not None and kind == "no agent":
            rule.ClearField("room_config")
        elif rule is not None and kind == "no trunk" and all(other.trunk_ids for other in model.rules.values()):
            rule.ClearField("trunk_ids")
        elif trunk is not None and kind == "mark":
            trunk.headers["X-Edited"] = "yes"
