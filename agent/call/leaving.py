"""Leaves a call whose caller is there: the worker ends, and with it the call's process."""

from agent.call.call_lease import CallLease
from agent.call.endings import Ending
from agent.call.transport import CallTransport
from agent.voice.local_voice import Sentence, language_of, sound


async def leave_caller(ending: Ending, transport: CallTransport, lease: CallLease, language: str | None) -> Ending:
    """Leave the call to another worker, if there is one. Else a telephone, which can't be shown the reason, hears a goodbye.

    Args:
        ending: Why the call ends. Only a worker's end leaves a caller behind.
        transport: The way to the caller.
        lease: The call's lease, which another worker may get.
        language: The persona's language, a BCP-47 tag; None: English.

    Returns:
        The ending that the call has by that.
    """
    if ending is not Ending.SHUT_DOWN or not transport.identities():
        return ending
    transport.fall_silent()
    if await lease.leave():
        return Ending.TAKEN_OVER
    if transport.phone_call is not None:
        await transport.announce(sound(language_of(language), Sentence.GOODBYE))
    return ending
