"""The house rules that a program can check; CONTRIBUTING.md says them in words."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    *("agent", "caller", "configuration", "demo", "emulator", "examples", "failover", "records", "speech", "telephony"),
    *("testing", "tickets", "token_server"),
)
OWN = set(PACKAGES) | {"bench", "tests"}
FOREIGN = ("livekit", "google")

AGENT_TOP = {
    *("agent.call_metrics", "agent.call_reports"),
    *("agent.day_costs", "agent.endpoint", "agent.errors", "agent.eyes", "agent.live_settings", "agent.livekit_private"),
    *("agent.failover_store", "agent.persona", "agent.settings", "agent.settings_checks"),
    "agent.tracing",
}
"""Modules of `agent/` that stand beside its rooms."""
MAY_IMPORT = {
    "agent": {
        *AGENT_TOP,
        *("agent.agent_class", "agent.cost_caps", "agent.gemini", "agent.persona_file", "agent.setting_types", "agent.tools"),
        "agent.voice",
        "configuration",
        "failover",
        "livekit",
        "records",
    },
    "agent/call": {
        *AGENT_TOP,
        "agent.assistant",
        *(f"agent.{room}" for room in ("call", "gemini", "room", "tools", "voice")),
        "configuration",
        "failover",
        "livekit",
        "records",
    },
    "agent/gemini": {"agent.gemini", "livekit", "google"},
    "agent/gemini/commands": {
        *("agent.endpoint", "agent.errors", "agent.gemini", "agent.live_settings", "agent.persona", "agent.settings"),
        "configuration",
        *("livekit", "google"),
    },
    "agent/room": {"agent.errors", "agent.room", "configuration", "livekit"},
    "agent/tools": {"agent.errors", "agent.gemini", "agent.livekit_private", "agent.tools", "configuration", "livekit"},
    "agent/voice": {"agent.errors", "agent.gemini", "agent.tools", "agent.voice", "livekit"},
    "agent/worker": {"agent", "configuration", "failover", "records", "tickets", "livekit", "google"},
    "caller": {"caller", "configuration", "speech", "livekit"},
    "configuration": {"configuration"},
    "demo": {"configuration", "demo"},
    "emulator": {"configuration", "emulator", "speech"},
    "emulator/auto": {"emulator.answers", "emulator.auto", "emulator.messages"},
    "emulator/faults": {
        "emulator.faults",
        *(f"emulator.{module}" for module in ("closes", "errors", "lifetime", "messages", "wire")),
    },
    "examples": {"agent.persona", "agent.tools", "agent.voice", "examples", "livekit"},
    "failover": {"configuration", "failover", "livekit.api", "google.protobuf"},
    "records": {"configuration", "records"},
    "speech": {"speech"},
    "telephony": {"configuration", "telephony", "livekit.api", "google.protobuf"},
    "telephony/line": {"configuration", "telephony", "livekit.api", "livekit.rtc", "google.protobuf"},
    "testing": {"agent", "emulator", "speech", "testing", "livekit"},
    "tickets": {"tickets"},
    "token_server": {"configuration", "records", "token_server", "tickets", "livekit.api", "google.protobuf"},
}
PURE = {
    "agent/call/agent_attributes.py",
    "agent/call/answer_wait.py",
    "agent/call/earlier_conversation.py",
    "agent/call/call_cost.py",
    "agent/call/call_figures.py",
    "agent/call/call_measures.py",
    "agent/call/checkpoint.py",
    "agent/call/ending_events.py",
    "agent/call/ending_machine.py",
    "agent/call/endings.py",
    "agent/call/latency.py",
    "agent/call/limits.py",
    "agent/call/memory_limit.py",
    "agent/call/record.py",
    "agent/call/remembered_call.py",
    "agent/call/replaced_persona.py",
    "agent/call/sight.py",
    "agent/call/sound_placement.py",
    "agent/call/transcript_lines.py",
    "agent/call/webhook_events.py",
    "agent/call_metrics.py",
    "agent/cost_caps.py",
    "agent/eyes.py",
    "agent/gemini/access.py",
    "agent/gemini/actions.py",
    "agent/gemini/answer_time.py",
    "agent/gemini/api_version.py",
    "agent/gemini/audio.py",
    "agent/gemini/caller_transcript.py",
    "agent/gemini/capabilities.py",
    "agent/gemini/chat_journal.py",
    "agent/gemini/chat_turns.py",
    "agent/gemini/client_methods.py",
    "agent/gemini/connection/closes.py",
    "agent/gemini/connection/machine.py",
    "agent/gemini/connection/outage.py",
    "agent/gemini/connection/session_handle.py",
    "agent/gemini/connection/states.py",
    "agent/gemini/core.py",
    "agent/gemini/continuation.py",
    "agent/gemini/events.py",
    "agent/gemini/exchange/activity.py",
    "agent/gemini/exchange/alarm.py",
    "agent/gemini/exchange/button.py",
    "agent/gemini/exchange/caller_voice.py",
    "agent/gemini/exchange/exchange.py",
    "agent/gemini/exchange/interruptions.py",
    "agent/gemini/exchange/machine.py",
    "agent/gemini/exchange/outbox.py",
    "agent/gemini/exchange/overdue.py",
    "agent/gemini/exchange/overlap.py",
    "agent/gemini/exchange/prompt_texts.py",
    "agent/gemini/exchange/saved_states.py",
    "agent/gemini/exchange/prompts.py",
    "agent/gemini/exchange/situation.py",
    "agent/gemini/exchange/states.py",
    "agent/gemini/exchange/stopped.py",
    "agent/gemini/exchange/tool_call.py",
    "agent/gemini/exchange/tool_calls.py",
    "agent/gemini/exchange/translation.py",
    "agent/gemini/exchange/unheard.py",
    "agent/gemini/exchange/uplink.py",
    "agent/gemini/function_calls.py",
    "agent/gemini/gemini_schema.py",
    "agent/gemini/grounding.py",
    "agent/gemini/initial_history.py",
    "agent/gemini/json_text.py",
    "agent/gemini/languages.py",
    "agent/gemini/limits.py",
    "agent/gemini/link_listener.py",
    "agent/gemini/listener.py",
    "agent/gemini/live_config.py",
    "agent/gemini/live_features.py",
    "agent/gemini/live_refusals.py",
    "agent/gemini/live_table.py",
    "agent/gemini/messages.py",
    "agent/gemini/model_table.py",
    "agent/gemini/nested_tables.py",
    "agent/gemini/newest_settings.py",
    "agent/gemini/pace.py",
    "agent/gemini/model_events.py",
    "agent/gemini/picture_pace.py",
    "agent/gemini/reporting.py",
    "agent/gemini/setup_change.py",
    "agent/gemini/snapshot.py",
    "agent/gemini/tool_options.py",
    "agent/gemini/tool_permissions.py",
    "agent/gemini/turn_report.py",
    "agent/gemini/turn_rules.py",
    "agent/gemini/usage.py",
    "agent/gemini/whole_samples.py",
    "agent/gemini/wire.py",
    "agent/room/caller_choice.py",
    "agent/room/client_tool_rules.py",
    "agent/room/keypad.py",
    "agent/room/talk_button.py",
    "agent/room/typed_lines.py",
    "agent/persona_file.py",
    "agent/tools/persona_tools.py",
    "agent/tools/places.py",
    "agent/tools/tool_results.py",
    "agent/voice/playout.py",
    "agent/voice/thinking_sound.py",
    "agent/worker/capacity.py",
    "agent/worker/day_budget.py",
    "agent/worker/dispatches.py",
    "agent/worker/readiness_problems.py",
    "agent/worker/reload_plan.py",
    "agent/worker/usage.py",
    "caller/call_endings.py",
    "caller/call_lines.py",
    "caller/ear.py",
    "caller/event_order.py",
    "configuration/command_line.py",
    "configuration/livekit_pair.py",
    "configuration/misspelt.py",
    "configuration/private_text.py",
    "configuration/proxies.py",
    "configuration/redaction.py",
    "configuration/tables.py",
    "configuration/text.py",
    "demo/log_lines.py",
    "emulator/acceptance.py",
    "emulator/agenda.py",
    "emulator/answers.py",
    "emulator/auto/arguments.py",
    "emulator/auto/facts.py",
    "emulator/auto/mentions.py",
    "emulator/auto/rules.py",
    "emulator/conversation.py",
    "emulator/declarations.py",
    "emulator/faults/asked.py",
    "emulator/faults/faulty.py",
    "emulator/hearing.py",
    "emulator/lifetime.py",
    "emulator/listening.py",
    "emulator/live_session.py",
    "emulator/messages.py",
    "emulator/profile_table.py",
    "emulator/protojson.py",
    "emulator/protos.py",
    "emulator/reply.py",
    "emulator/script_file.py",
    "emulator/sessions.py",
    "emulator/speaking.py",
    "emulator/tokens.py",
    "emulator/tool_rounds.py",
    "emulator/translation.py",
    "emulator/usage.py",
    "failover/clock_check.py",
    "failover/encryption.py",
    "failover/handover.py",
    "failover/lease.py",
    "failover/lease_text.py",
    "failover/listing.py",
    "failover/watch.py",
    "failover/watch_events.py",
    "records/listing.py",
    "records/search.py",
    "records/summary.py",
    "records/transcript.py",
    "telephony/conflicts.py",
    "telephony/declared.py",
    "telephony/line/admission.py",
    "telephony/line/call.py",
    "telephony/line/call_table.py",
    "telephony/line/codecs.py",
    "telephony/line/concealment.py",
    "telephony/line/digest.py",
    "telephony/line/dtmf.py",
    "telephony/line/gate.py",
    "telephony/line/jitter.py",
    "telephony/line/limits.py",
    "telephony/line/media.py",
    "telephony/line/offer.py",
    "telephony/line/participant_token.py",
    "telephony/line/reach.py",
    "telephony/line/rtp.py",
    "telephony/line/tones.py",
    "telephony/line/transactions.py",
    "telephony/line/wire.py",
    "telephony/plan.py",
    "telephony/report.py",
    "telephony/routing.py",
    "telephony/spec.py",
    "telephony/toml_lines.py",
    "tickets/ticket.py",
    "token_server/addresses.py",
    "token_server/call_capacity.py",
    "token_server/call_forms.py",
    "token_server/call_view.py",
    "token_server/grants.py",
    "token_server/names.py",
    "token_server/openapi.py",
    "token_server/token_request.py",
}
IO_MODULES = {"asyncio", "socket", "ssl", "time", "os", "websockets", "aiohttp", "starlette", "subprocess"}
BANNED_NAMES = {"utils", "helpers", "common", "manager"}
LONGEST_MODULE = 340
"""About 300 lines: a module a little longer, which has one idea, is not cut for the number."""
LONGEST_FUNCTION = 40


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The nodes of a source's syntax tree, parsed once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources(), ids=name)
def test_imports_only_what_the_design_allows(path: Path) -> None:
    relative = name(path)
    folder = max((name for name in MAY_IMPORT if relative.startswith(f"{name}/")), key=len)
    for module in imports(path):
        if module.split(".")[0] in OWN | set(FOREIGN):
            allowed = any(module == prefix or module.startswith(f"{prefix}.") for prefix in MAY_IMPORT[folder])
            assert allowed, f"{relative} imports {module}"


def test_gemini_is_used_by_its_public_face_alone() -> None:
    """`agent/gemini/__init__.py` exports what others use; its own tests may look behind it."""
    inside = (ROOT / "agent" / "gemini", ROOT / "tests" / "agent" / "gemini")
    others = [path for folder in ("agent", "bench", "scripts", "tests") for path in (ROOT / folder).rglob("*.py")]
    for path in others:
        if not path.is_relative_to(inside[0]) and not path.is_relative_to(inside[1]):
            modules = {node.module or "" for node in nodes(path) if isinstance(node, ast.ImportFrom)}
            modules |= {alias.name for node in nodes(path) if isinstance(node, ast.Import) for alias in node.names}
            behind = sorted(module for module in modules if module.startswith("agent.gemini."))
            assert not behind, f"{name(path)} imports {behind}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_classes_of_a_package_have_one_name(package: str) -> None:
    places: dict[str, list[str]] = {}
    for path in (ROOT / package).rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{name(path)}:{node.lineno}")
    twice = {known: at for known, at in places.items() if len(at) > 1}
    assert not twice, twice


@pytest.mark.parametrize("relative", sorted(PURE))
def test_the_core_does_no_input_or_output(relative: str) -> None:
    roots = {module.split(".")[0] for module in imports(ROOT / relative)}
    assert not roots & IO_MODULES


@pytest.mark.parametrize("path", sources(), ids=name)
def test_the_environment_is_read_in_settings_only(path: Path) -> None:
    if path.name == "settings.py":
        return
    for node in nodes(path):
        reads = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        assert not reads, f"{name(path)}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("path", sources(), ids=name)
def test_sizes_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert path.stem not in BANNED_NAMES
    assert len(text.splitlines()) <= LONGEST_MODULE, "what is the second idea in this module?"
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sources(), ids=name)
def test_every_queue_has_a_bound(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            bounded = {"Queue": "maxsize", "Chan": "maxsize", "deque": "maxlen"}.get(called)
            bounds = [ast.unparse(word.value) for word in node.keywords if word.arg == bounded]
            assert bounded is None or bounds not in ([], ["0"], ["None"]), f"{ast.unparse(node)}: say its bound by keyword"


def test_agent_py_beside_the_package_is_three_lines_of_start() -> None:
    lines = [line for line in (ROOT / "agent.py").read_text().splitlines() if line.strip()]
    assert lines == ["from agent.worker import main", 'if __name__ == "__main__":', "    main()"]


def test_tests_touch_few_private_names_and_no_mocks() -> None:
    lines = private = 0
    for path in (ROOT / "tests").rglob("*.py"):
        lines += len(path.read_text().splitlines())
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                private += ast.unparse(node.value) not in {"self", "cls"}
            if isinstance(node, ast.Call):
                assert not ast.unparse(node.func).endswith("Mock"), f"{name(path)}:{node.lineno}"
    assert private <= 3 * lines / 1000, f"{private} private names in {lines} lines of tests"
