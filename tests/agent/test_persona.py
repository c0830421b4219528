"""Personas: the shipped ones can be used, a dispatch may choose one, mistakes are named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import PersonaError
from agent.gemini import TRANSLATE_MODEL, VOICES
from agent.persona import for_call, load, names

FOLDER = Path(__file__).parents[2] / "agent" / "personas"


@pytest.mark.parametrize("name", ["assistant", "boxing_coach"])
def test_the_shipped_personas_can_be_used(name: str) -> None:
    persona = load(name, FOLDER)
    assert persona.voice in VOICES
    assert persona.greeting
    assert "you are an AI" in persona.instructions
    assert name in names(FOLDER)


@pytest.mark.parametrize(
    ("metadata", "name", "warnings"),
    [
        ("", "assistant", 0),
        ("{}", "assistant", 0),
        ('{"persona": "boxing_coach", "more": 1}', "boxing_coach", 0),
        ('{"persona": "assistant"}', "assistant", 0),
        ('{"persona": "nobody"}', "assistant", 1),
        ('{"persona": "../../etc/passwd"}', "assistant", 1),
        ('{"persona": 3}', "assistant", 1),
        ('{"persona": ["assistant"], "language": "Klingon, please"}', "assistant", 2),
        ("[]", "assistant", 1),
        ("no json", "assistant", 1),
        ("[" * 100_000, "assistant", 1),
    ],
)
def test_a_dispatch_chooses_or_gets_the_default_with_a_warning(metadata: str, name: str, warnings: int) -> None:
    persona, said = for_call(metadata, load("assistant", FOLDER), FOLDER)
    assert persona.name == name
    assert len(said) == warnings


def test_a_dispatch_chooses_the_language() -> None:
    persona, said = for_call('{"persona": "boxing_coach", "language": "de-DE"}', load("assistant", FOLDER), FOLDER)
    assert (persona.name, persona.language, said) == ("boxing_coach", "de-DE", [])
    assert "Speak de-DE" in persona.system_instruction
    assert persona.system_instruction.startswith(load("boxing_coach", FOLDER).instructions.rstrip())


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_any_metadata_gives_a_persona(metadata: str) -> None:
    persona, _ = for_call(metadata, load("assistant", FOLDER), FOLDER)
    assert persona.instructions


@given(st.fixed_dictionaries({}, optional={name: st.none() | st.text() | st.integers() for name in ("persona", "language")}))
def test_any_wish_gives_a_persona(wanted: dict[str, object]) -> None:
    persona, _ = for_call(json.dumps(wanted), load("assistant", FOLDER), FOLDER)
    assert persona.instructions


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "`instructions` is missing"),
        ('instructions = "  "', "`instructions` is missing"),
        ("instructions = 3", "instructions must be a text"),
        (
            'instructions = "x"\nvioce = "Puck"',
            "the key 'vioce' is unknown; did you mean voice? known are agent, cost_cap_usd, eyes, goodbye, greeting, hearing",
        ),
        ('instructions = "x"\ntemperature = 3', "temperature is 3; it must be a number from 0 to 2"),
        ('instructions = "x"\ntemperature = "hot"', "temperature is 'hot'"),
        ("instructions", "odd.toml:1: no TOML: "),
        ('model = 3\ninstructions = "x"', "model must be a text"),
        *(
            (f"{key}\n[live.translation_config]\ntarget_language_code = 'pl'", sentence)
            for key, sentence in (
                (
                    'instructions = "x"',
                    "instructions and [live.translation_config] can't stand in one file: a model that translat",
                ),
                ('greeting = "x"', "a model that translates has none; leave it out"),
                ('voice = "Puck"', "voice and [live.translation_config] can't stand in one file"),
                ('language = "pl"', "write the language as live.translation_config.target_language_code"),
                ('hearing.turns = "push_to_talk"', "hearing and [live.translation_config] can't stand in one file"),
                ('tools.mcp = ["https://x/mcp"]', "tools and [live.translation_config] can't stand in one file"),
                ('eyes.sources = ["camera"]', "eyes and [live.translation_config] can't stand in one file"),
                ("live.temperature = 1", "live.temperature and [live.translation_config] can't stand in one file"),
            )
        ),
        (
            "live.translation_config.target_language_code = 'Polish please'",
            "live.translation_config.target_language_code is 'Polish please'; it must be a BCP-47 tag such as de-DE",
        ),
        (
            "live.translation_config.target = 'pl'",
            "live.translation_config.target is unknown; known are echo_target_language, target_language_code",
        ),
        *(
            (f'instructions = "x"\ntools.{written}', reason)
            for written, reason in (
                ("mpc = []", "the key 'tools.mpc' is unknown; did you mean mcp? known are mcp, own, toolsets"),
                (
                    'mcp = "https://x/mcp"',
                    "tools.mcp must be a list of MCP servers in brackets; write a URL in quotes, {url = ",
                ),
                ("mcp = [3]", "tools.mcp[0] must be one MCP server; write a URL in quotes"),
                ('mcp = [{ url = "https://x/mcp", command = "x" }]', "tools.mcp[0] must be one MCP server"),
                ('mcp = ["https://x/mcp", "x"]', "tools.mcp[1].url must be a URL such as https://tools.example.com/mcp"),
                ('mcp = ["https://me:pass@x/mcp"]', "tools.mcp[0].url has a password, which belongs in no file"),
                ('mcp = [{ command = "x", arg = [] }]', "the key 'tools.mcp[0].arg' is unknown; did you mean args? known are"),
                ('mcp = [{ command = "x", args = "y" }]', "tools.mcp[0].args must be a list of texts in quotes"),
                ('mcp = [{ command = "" }]', "tools.mcp[0].command must be a text in quotes"),
                (
                    'mcp = [{ command = "x", env = ["A=b"] }]',
                    "tools.mcp[0].env must name variables of the environment, such as",
                ),
                (
                    'mcp = [{ url = "https://x/mcp", headers_env = { A = "Bearer 1" } }]',
                    "tools.mcp[0].headers_env must name variab",
                ),
                (
                    'mcp = [{ url = "https://x/mcp", headers_env = ["A"] }]',
                    "tools.mcp[0].headers_env must be a table of variables",
                ),
                (
                    'mcp = [{ command = "x", behavior = "async" }]',
                    "tool_options of 'tools.mcp[0]': behavior = 'async': write blocking or non_blocking",
                ),
                ('mcp = [{ command = "x", timeout_s = 0 }]', "timeout_s = 0: write a number of seconds above 0"),
                (
                    'mcp = [{ url = "https://x/mcp", connect_s = 60 }]',
                    "tools.mcp[0].connect_s is 60; it must be a number of sec",
                ),
            )
        ),
        ('instructions = "x"\ntools = 3', "tools is 3; it must be a table: write [tools]"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(PersonaError) as caught:
        load("odd", tmp_path)
    assert reason in str(caught.value)
    assert "'odd'" in str(caught.value)
    assert not {"pass@", "A=b", "Bearer"} & set(str(caught.value).split()), "a secret is not repeated"


def test_mcp_servers_are_read_in_each_form(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("""
        instructions = "Be brief."
        [tools]
        mcp = [
          "https://tools.example.com:8443/mcp?key=1",
          { url = "http://127.0.0.1:8000/sse", headers_env = { Authorization = "CRM" }, tools = ["a"], connect_s = 0.5 },
          { command = "uvx", args = ["mcp-server-time", "--secret"], env = ["TZ"], behavior = "blocking", timeout_s = 60 },
        ]
    """)
    by_url, with_header, started = load("one", tmp_path).tools.mcp
    assert (by_url.url, by_url.shown) == ("https://tools.example.com:8443/mcp?key=1", "https://tools.example.com:8443/mcp")
    assert (with_header.headers_env, with_header.tools, with_header.connect_s) == ({"Authorization": "CRM"}, ("a",), 0.5)
    assert started.options == {"behavior": "blocking", "timeout_s": 60}
    assert (started.command, started.args, started.env, started.shown) == (
        "uvx",
        ("mcp-server-time", "--secret"),
        ("TZ",),
        "uvx",
    )


def test_the_interpreter_has_a_model_and_a_language_and_nothing_to_say() -> None:
    persona = load("interpreter", FOLDER)
    assert persona.translates
    assert (persona.model, persona.spoken_language) == (TRANSLATE_MODEL, "en")
    assert (persona.system_instruction, persona.greeting, persona.language, persona.voice) == ("", "", None, None)
    assert persona.speaking("pl").spoken_language == "pl"
    assert not load("assistant", FOLDER).translates


def test_a_missing_persona_says_which_there_are() -> None:
    with pytest.raises(PersonaError, match="there are assistant, boxing_coach"):
        load("nobody", FOLDER)
