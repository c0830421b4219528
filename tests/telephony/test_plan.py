"""The plan: from whatever the server has, its changes lead to what is wanted, in an order that the server takes. Then: rest."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from livekit import api

from telephony.conflicts import conflicts
from telephony.declared import OWNER_ATTRIBUTE, RULE_ATTRIBUTE, declared
from telephony.plan import Change, Existing, owner_of, plan, removal
from telephony.reading import parse
from telephony.report import answer_text, existing_json, existing_text, plan_json, plan_text
from telephony.routing import Call, route
from telephony.spec import Inbound, Rule, Spec
from tests.telephony.files import EXAMPLE
from tests.telephony.model import Model, ModelRefusedError, drift, has_exactly

PASSWORD, PIN = "hush-hush-password", "987654"


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
    owners = {number: draw(st.sampled_from(names)) for number in ("+1", "2", "3")} if names else {}
    trunks = [
        Inbound(
            name=name,
            numbers=[number for number, owner in owners.items() if owner == name],
            allowed_addresses=draw(st.sampled_from([["192.0.2.1/32"], ["192.0.2.0/24", "203.0.113.0/24"]])),
            allowed_numbers=draw(st.sampled_from([[], [], ["alice"], ["alice", "+7"]])),
            ringing_timeout_s=draw(st.sampled_from([20, 30])),
        )
        for name in names
    ]
    rules = [
        Rule(
            name=name,
            trunks=draw(st.lists(st.sampled_from(names), unique=True, min_size=1)),
            numbers=draw(st.sampled_from([[], [], ["+1"], ["2", "3"]])),
            callers=draw(st.sampled_from([[], [], [], ["alice"]])),
            pin=draw(st.sampled_from([None, "1", "2"])),
            persona=draw(st.sampled_from([None, "assistant"])),
        )
        for name in draw(st.lists(st.sampled_from("rstu"), unique=True, max_size=4 if names else 0))
    ]
    # a trunk of every name has a rule of its own, so that most of what is drawn can stand
    free = [name for name in names if not any(name in rule.trunks for rule in rules)]
    spec = Spec(inbound=trunks, rule=[*rules, *(Rule(name=f"of {name}", trunks=[name]) for name in free)])
    assume(not list(conflicts(spec)))
    return spec


drifts = st.lists(st.sampled_from(["password", "numbers", "rename", "forget", "no agent", "no trunk", "mark"]), max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(first=specs(), drifted=drifts, second=specs())
def test_whatever_the_server_has_a_plan_leads_to_the_file_and_then_to_rest(
    first: Spec, drifted: list[str], second: Spec
) -> None:
    model = Model()
    model.apply(plan(declared(first), model.existing()))
    has_exactly(model, declared(first))
    drift(model, drifted)
    model.apply(plan(declared(second), model.existing()))
    has_exactly(model, declared(second))
    assert plan(declared(second), model.existing()).changes == ()
    assert plan(declared(second), model.existing()).notes == ()
    model.apply(removal(model.existing(), declared(second)))
    assert model.existing() == Existing()


@given(first=specs(), second=specs())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_what_leaves_goes_last_unless_it_has_what_something_new_takes(first: Spec, second: Spec) -> None:
    """A failure on the way leaves no number without a trunk; and rules go before their trunks, and come after them."""
    model = Model()
    model.apply(plan(declared(first), Existing()))
    changes = plan(declared(second), model.existing()).changes
    made = max((place for place, change in enumerate(changes) if change.after is not None), default=-1)
    for place, change in enumerate(changes):
        if change.action == "delete" and place < made:
            kept = Model()
            kept.apply(plan(declared(first), Existing()))
            found = plan(declared(second), kept.existing())
            with pytest.raises(ModelRefusedError):  # the server would refuse the plan without that deletion
                kept.apply(replace(found, changes=(*changes[:place], *changes[place + 1 :])))
    for group in (changes[made + 1 :], [change for change in changes[: made + 1] if change.action == "delete"]):
        kinds = [change.kind for change in group]
        assert kinds == sorted(kinds)
    kinds = [change.kind for change in changes if change.after is not None]
    assert kinds == sorted(kinds, reverse=True)


def trunk(name: str, *numbers: str, **fields: Any) -> Inbound:
    return Inbound(name=name, **({"numbers": list(numbers), "allowed_addresses": ["192.0.2.1/32"]} | fields))


def after(*specs: Spec) -> Model:
    model = Model()
    for spec in specs:
        model.apply(plan(declared(spec), model.existing()))
    return model


def test_two_trunks_can_exchange_their_numbers() -> None:
    """The server would refuse to replace either first: one of them at least is made anew, and so are its rule's ids."""
    rules = [Rule(name="ra", trunks=["a"]), Rule(name="rb", trunks=["b"])]
    model = after(Spec(inbound=[trunk("a", "1"), trunk("b", "2")], rule=rules))
    wanted = declared(Spec(inbound=[trunk("a", "2"), trunk("b", "1")], rule=rules))
    model.apply(plan(wanted, model.existing()))
    has_exactly(model, wanted)


def test_a_renamed_trunk_takes_its_number_along() -> None:
    model = after(Spec(inbound=[trunk("old", "1")], rule=[Rule(name="r", trunks=["old"])]))
    found = plan(declared(Spec(inbound=[trunk("new", "1")], rule=[Rule(name="r", trunks=["new"])])), model.existing())
    assert [(change.action, change.name, change.id) for change in found.changes] == [("replace", "new", "ST_1")]
    assert plan_text(found).splitlines()[:2] == ['~ trunk "new" (ST_1)', "    name: old -> new"]
    model.apply(found)


TWO = Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"])])


def of_others() -> Model:
    """A server on which somebody has made a trunk and a rule with names of `TWO`, and another Earshot has its own."""
    model = Model()
    theirs = model.put_trunk(api.SIPInboundTrunkInfo(name="a", numbers=["2"], auth_username="b", auth_password=PASSWORD))
    model.put_rule(api.SIPDispatchRuleInfo(name="r"), [theirs])
    model.apply(plan(declared(STAGING), model.existing()))
    return model


STAGING = Spec(agent="staging", inbound=[trunk("sales", "7")], rule=[Rule(name="of sales", trunks=["sales"])])


def test_names_of_others_are_told_and_nothing_of_theirs_is_changed() -> None:
    model = of_others()
    before = model.existing()
    found = plan(declared(TWO), before)
    fix = "give yours another name, or take it over with --adopt; this file's owner is 'earshot'"
    assert found.taken == (f'trunk "a" (ST_1) was made by others: {fix}', f'rule "r" (SDR_2) was made by others: {fix}')
    assert not any(change.id for change in found.changes)
    assert removal(before, declared(TWO)).changes == ()
    assert "MISTAKE: trunk" in plan_text(found)
    assert len(json.loads(plan_json(found))["mistakes"]) == 2


def without_owners(model: Model) -> Model:
    """The server as an `apply` without owners left it: every trunk marked alike, every rule by its name only."""
    for trunk in model.trunks.values():
        trunk.metadata = "earshot"
    for rule in model.rules.values():
        del rule.attributes[OWNER_ATTRIBUTE]
    return model


def test_what_an_apply_without_owners_made_is_ours_to_change_and_to_remove() -> None:
    wanted = declared(parse(EXAMPLE.read_bytes()))
    model = without_owners(after(parse(EXAMPLE.read_bytes())))
    assert len(removal(model.existing(), wanted).changes) == len(model.trunks) + len(model.rules)
    found = plan(wanted, model.existing())
    assert found.taken == ()
    assert [change.action for change in found.changes] == ["replace"] * len(model.rules)
    model.apply(found)
    has_exactly(model, wanted)
    assert plan(wanted, model.existing()).changes == ()


def test_with_another_owner_it_is_another_s_until_it_is_adopted() -> None:
    model = without_owners(after(TWO))
    other = declared(TWO.model_copy(update={"owner": "sales"}))
    assert ["belongs to 'earshot'" in taken for taken in plan(other, model.existing()).taken] == [True, True]
    model.apply(plan(other, model.existing(), adopt=True))
    has_exactly(model, other)


def test_two_owners_on_one_server_leave_each_other_alone() -> None:
    model = Model()
    for spec in (TWO, STAGING, TWO, STAGING):
        found = plan(declared(spec), model.existing())
        assert found.deletions == 0
        model.apply(found)
    assert {owner_of(trunk) for trunk in model.trunks.values()} == {"earshot", "staging"}
    assert {owner_of(rule) for rule in model.rules.values()} == {"earshot", "staging"}
    other = TWO.model_copy(update={"owner": "third"})
    assert [taken.partition(" (")[0] for taken in plan(declared(other), model.existing()).taken] == ['trunk "a"', 'rule "r"']
    model.apply(removal(model.existing(), declared(TWO)))
    has_exactly(model, declared(STAGING))


def test_a_name_can_be_adopted_and_nothing_is_deleted_for_it() -> None:
    model = of_others()
    model.put_trunk(api.SIPInboundTrunkInfo(name="a", numbers=["3"]))  # another one of that name: one is adopted, one stays
    found = plan(declared(TWO), model.existing(), adopt=True)
    assert [(change.action, change.name, change.id) for change in found.changes] == [
        ("replace", "a", "ST_1"),
        ("replace", "r", "SDR_2"),
    ]
    assert found.taken == ()
    model.apply(found)
    again = plan(declared(TWO), model.existing(), adopt=True)
    assert (again.changes, again.taken) == ((), ())
    assert {trunk.name for trunk in model.trunks.values()} == {"a", "sales"}
    assert len(model.trunks) == 3


def test_of_two_of_ours_with_one_name_the_right_one_stays() -> None:
    model = Model()
    model.put_trunk(api.SIPInboundTrunkInfo(name="a", numbers=["2"], metadata="earshot"))
    right = model.put_trunk(declared(TWO).trunks[0])
    found = plan(declared(TWO), model.existing())
    assert found.kept_trunks == {"a": right}
    assert [(change.action, change.kind, change.id) for change in found.changes] == [
        ("create", "rule", ""),
        ("delete", "trunk", "ST_1"),
    ]


def test_what_others_have_made_stays_and_is_told() -> None:
    model = Model()
    model.put_trunk(api.SIPInboundTrunkInfo(name="theirs", numbers=["5", "+1"]))
    model.put_rule(api.SIPDispatchRuleInfo(name="hole"), [])
    wanted = declared(Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"])]))
    found = plan(wanted, model.existing())
    assert all(change.action == "create" for change in found.changes)
    assert found.notes == (
        'trunk "theirs" (ST_1) is not from this file and stays, and has +1, too: delete it, or `--prune`',
        'rule "hole" (SDR_2) is not from this file and stays, and has no trunk: it lets EVERY STRANGER in',
    )
    assert "note: rule" in plan_text(found)
    pruned = plan(wanted, model.existing(), prune=True)
    assert pruned.notes == ()
    model.apply(pruned)
    has_exactly(model, wanted)
    assert removal(after().existing(), wanted).changes == ()


def test_a_rule_of_others_on_a_trunk_of_ours_is_told() -> None:
    spec = Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"])])
    model = after(spec)
    model.put_rule(api.SIPDispatchRuleInfo(name="theirs", numbers=["1"]), ["ST_1"])
    assert plan(declared(spec), model.existing()).notes == (
        'rule "theirs" (SDR_3) is not from this file and stays, and takes calls of a',
    )


def test_apply_marks_what_it_makes() -> None:
    wanted = declared(Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"], persona="x", language="de-DE")]))
    assert wanted.trunks[0].metadata == "earshot"
    assert wanted.rules[0].attributes == {RULE_ATTRIBUTE: "r", OWNER_ATTRIBUTE: "earshot"}
    [dispatch] = wanted.rules[0].room_config.agents
    assert (dispatch.agent_name, json.loads(dispatch.metadata)) == ("earshot", {"persona": "x", "language": "de-DE"})


SECRETIVE = Spec(
    inbound=[trunk("a", "1", auth_username="u", auth_password_env="P", ringing_timeout_s=25)],
    rule=[Rule(name="r", trunks=["a"], pin=PIN)],
)


def test_a_plan_can_be_read_and_tells_no_secret() -> None:
    model = Model()
    found = plan(declared(SECRETIVE, {"P": PASSWORD}), model.existing())
    assert plan_text(found).splitlines()[:8] == [
        '+ trunk "a"',
        "    metadata: earshot",
        "    numbers: 1",
        "    allowed_addresses: 192.0.2.1/32",
        "    auth_username: u",
        "    auth_password: ***",
        "    ringing_timeout: 25s",
        "    max_call_duration: 3600s",
    ]
    assert plan_text(found).splitlines()[-1] == "2 to create, 0 to replace, 0 to delete"
    model.apply(found)
    drifted = declared(SECRETIVE, {"P": "another-secret"})
    changed = plan(drifted, model.existing())
    assert plan_text(changed).splitlines()[:2] == ['~ trunk "a" (ST_1)', "    auth_password: *** -> *** (another one)"]
    [told] = json.loads(plan_json(changed))["changes"]
    assert told == {
        "action": "replace",
        "kind": "trunk",
        "name": "a",
        "id": "ST_1",
        "fields": {"auth_password": {"before": "***", "after": "***"}},
    }
    gone = removal(model.existing(), drifted)
    assert plan_text(gone).splitlines()[:2] == ['- rule "r" (SDR_2)', '- trunk "a" (ST_1)']
    texts = [
        plan_text(found),
        plan_json(found),
        plan_text(changed),
        plan_json(changed),
        plan_json(gone),
        repr(found),
        repr(changed),
    ]
    texts += [existing_text(model.existing()), existing_json(model.existing())]
    for text in texts:
        assert PASSWORD not in text
        assert "another-secret" not in text
        assert PIN not in text


def test_headers_and_attributes_of_others_are_not_shown() -> None:
    model = after(SECRETIVE)
    model.trunks["ST_1"].headers["X-Token"] = "tok-1"
    model.rules["SDR_2"].attributes["customer.key"] = "tok-2"
    for text in (
        existing_text(model.existing()),
        existing_json(model.existing()),
        plan_text(plan(declared(SECRETIVE), model.existing())),
    ):
        assert "tok-" not in text
        assert "X-Token" in text
        assert "customer.key" in text
    assert "attributes.earshot.rule: r" in existing_text(model.existing())


def test_whatever_others_keep_in_a_trunk_or_rule_is_not_shown() -> None:
    """Wherever it stands: metadata, attributes of agents, keys of an egress' storage, keys named like fields that are shown."""
    model = after(TWO)
    theirs = api.SIPInboundTrunkInfo(name="b", numbers=["9"], metadata="tok-1", headers={"name": "tok-2"})
    rule = api.SIPDispatchRuleInfo(name="hole", metadata="tok-3", attributes={"numbers": "tok-4"})
    rule.room_config.metadata = "tok-5"
    agent = rule.room_config.agents.add(agent_name="helper", metadata='{"persona": "x", "key": "tok-6"}')
    agent.attributes["earshot.rule"] = "tok-7"
    rule.room_config.egress.room.file_outputs.add().s3.secret = "tok-8"
    rule.room_config.egress.room.stream_outputs.add().urls.append("rtmp://x/tok-9")
    rule.room_config.tags["name"] = "tok-10"
    model.put_rule(rule, [model.put_trunk(theirs)])
    sales = Spec(inbound=[trunk("b", "9")], rule=[Rule(name="hole", trunks=["b"])])
    plans = [plan(declared(sales), model.existing(), adopt=adopt, prune=not adopt) for adopt in (True, False)]
    plans.append(plan(declared(sales), model.existing()))
    texts = [told(found) for found in plans for told in (plan_text, plan_json)]
    call = Call("+1", "9", "192.0.2.1")
    texts.append(answer_text(call, route(list(model.trunks.values()), list(model.rules.values()), call)))
    texts += [existing_text(model.existing()), existing_json(model.existing())]
    assert not [text for text in texts if "tok-" in text]
    shown = existing_text(model.existing()).splitlines()
    assert "    room_config.agents[0].agent_name: helper" in shown
    assert "    room_config.agents[0].attributes.earshot.rule: ***" in shown
    assert "    metadata: earshot" in shown


def test_the_wishes_of_a_file_s_rules_are_shown() -> None:
    model = after(Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"], persona="boxing_coach")]))
    assert '    room_config.agents[0].metadata: {"persona": "boxing_coach"}' in existing_text(model.existing()).splitlines()


def test_what_is_there_can_be_read() -> None:
    model = after(SECRETIVE)
    assert existing_text(model.existing()).splitlines()[:2] == ['trunk "a"', "    sip_trunk_id: ST_1"]
    assert [rule["name"] for rule in json.loads(existing_json(model.existing()))["rules"]] == ["r"]
    assert existing_text(Existing()) == "there are no trunks and no rules"
    assert plan_text(plan(declared(SECRETIVE), model.existing())) == "nothing to do: the server has what the file says"


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda t: t.ClearField("allowed_addresses"), "allowed_addresses: (none) -> 192.0.2.1/32"),
        (lambda t: t.allowed_numbers.append("alice"), "allowed_numbers: alice -> (none)"),
        (lambda t: t.headers.update({"X-A": "b"}), "headers.X-A: *** -> (none)"),
    ],
)
def test_a_replacement_shows_what_differs(change: Any, shown: str) -> None:
    model = after(Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"])]))
    change(model.trunks["ST_1"])
    found = plan(declared(Spec(inbound=[trunk("a", "1")], rule=[Rule(name="r", trunks=["a"])])), model.existing())
    assert plan_text(found).splitlines()[:2] == ['~ trunk "a" (ST_1)', f"    {shown}"]
    assert isinstance(found.changes[0], Change)
