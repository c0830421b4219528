"""The checks of a setup: what the service closes the socket over because the model can't do it. Pure."""

from collections.abc import Iterator

from emulator import closes
from emulator.closes import Close
from emulator.declarations import vertex_refusals
from emulator.errors import RefusedError
from emulator.messages import Setup
from emulator.profile import Profile, SetupProfile

VOICES = {
    *("zephyr", "puck", "charon", "kore", "fenrir", "leda", "orus", "aoede", "callirrhoe", "autonoe", "enceladus", "iapetus"),
    *("umbriel", "algieba", "despina", "erinome", "algenib", "rasalgethi", "laomedeia", "achernar", "alnilam", "schedar"),
    *("gacrux", "pulcherrima", "achird", "zubenelgenubi", "vindemiatrix", "sadachbia", "sadaltager", "sulafat"),
}
"""The prebuilt voices, in small letters. Documented: ai.google.dev/gemini-api/docs/speech-generation, "Voice options". Guessed:
that their case doesn't matter."""


def accept(setup: Setup, profile: Profile, version: str) -> None:
    """Check a setup against what the model can do on that version of the API.

    Raises:
        RefusedError: the service would close the socket over it.
    """
    for refusal in _refusals(setup, profile, version):
        raise RefusedError(refusal)


def _refusals(setup: Setup, profile: Profile, version: str) -> Iterator[Close]:
    offers = profile.setup
    yield from _modalities(setup, offers)
    yield from _thinking(setup, offers)
    yield from _extras(setup, offers, version)
    yield from _voice(setup)
    if setup.repeated_tools and not offers.repeated_tools:
        yield closes.INTERNAL
    yield from _compression(setup, profile.connection.context_tokens)
    yield from (closes.unsupported(name) for name in setup.google_tools if name not in offers.google_tools.split())
    if setup.translates and not profile.translation.translates:
        yield closes.unsupported("translation_config")
    if setup.tools and profile.translation.translates:  # documented: no tools; guessed: that it closes over them
        yield closes.unsupported("function calling")
    if profile.vertex:
        yield from vertex_refusals({name: tool.schema for name, tool in setup.tools.items() if not tool.is_json_schema})
    blocking = [name for name, tool in setup.tools.items() if tool.behavior == "BLOCKING"]
    if blocking and not profile.tools.blocking:
        yield closes.unsupported("BLOCKING function calling")


def _modalities(setup: Setup, offers: SetupProfile) -> Iterator[Close]:
    if setup.modalities == ("TEXT",) and offers.text_refusal == "voices":
        yield closes.NO_VOICES
    elif setup.modalities not in {(), ("AUDIO",)}:
        yield closes.modalities(list(setup.modalities), setup.model)


def _thinking(setup: Setup, offers: SetupProfile) -> Iterator[Close]:
    wrong = {
        "refused": setup.thinking != "",
        "required": setup.thinking != "level",
        "level": "budget" in setup.thinking,
        "budget": "level" in setup.thinking,
    }
    if wrong[offers.thinking]:
        yield closes.unsupported("thinking_config")
    elif setup.thinking_level and setup.thinking_level not in offers.levels.split():
        yield closes.unsupported(f"thinking_level {setup.thinking_level}")


def _compression(setup: Setup, context_tokens: int) -> Iterator[Close]:
    """Guessed: that a trigger beyond the context is refused, and a target that isn't below the trigger."""
    compression = setup.compression
    if compression is None:
        return
    trigger = compression.trigger_tokens or context_tokens
    if trigger > context_tokens or (compression.target_tokens or 0) >= trigger:
        yield closes.INVALID_ARGUMENT


def _extras(setup: Setup, offers: SetupProfile, version: str) -> Iterator[Close]:
    alpha = version == "v1alpha"
    if setup.affective and offers.affective != "option" and not (offers.affective == "v1alpha" and alpha):
        yield _not_here("enable_affective_dialog", "setup.generation_config", offered=offers.affective == "v1alpha")
    if setup.proactive is False and offers.proactive == "always":
        yield closes.unsupported("proactivity.proactive_audio = false")
    if setup.proactive and (offers.proactive == "no" or (offers.proactive == "v1alpha" and not alpha)):
        yield _not_here("proactivity", "setup", offered=offers.proactive == "v1alpha")


def _not_here(name: str, path: str, *, offered: bool) -> Close:
    """The close over a field: one that another version of the API offers is unknown here, any other is unsupported."""
    return closes.unknown_field(name, path) if offered else closes.unsupported(name)


def _voice(setup: Setup) -> Iterator[Close]:
    if setup.voice and setup.voice.casefold() not in VOICES:
        yield closes.unknown_voice(setup.voice, setup.model)
