"""What a model can't do, said at the setup. Pure."""

from emulator import closes, messages
from emulator.errors import RefusedError


def accept(setup: messages.Setup) -> None:
    """Check a setup against what the 3.8 generation can do.

    Raises:
        RefusedError: the service would close the socket over it.
    """
    if setup.modalities not in {(), ("AUDIO",)}:
        raise RefusedError(closes.modalities(list(setup.modalities), setup.model))
    if setup.thinking:
        raise RefusedError(closes.unsupported("thinking_config"))
    if setup.affective:
        raise RefusedError(closes.unsupported("enable_affective_dialog"))
    if setup.refuses_proactive_audio:
        raise RefusedError(closes.unsupported("proactivity.proactive_audio = false"))
