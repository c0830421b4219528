"""Rooms that the telephone's rules guard with a PIN: a caller with a token must not get into them without it."""

import logging
from collections.abc import Iterable, Iterator

import aiohttp
from livekit import api

from token_server.errors import RefusedError
from token_server.remembered import Remembered

_REMEMBERED_S = 10.0

logger = logging.getLogger("token_server")


def guarded(rules: Iterable[api.SIPDispatchRuleInfo]) -> Iterator[tuple[str, bool]]:
    """The rooms of rules with a PIN whose names can be guessed: (name, whether it is only the name's beginning).

    livekit-server joins prefix and number with an underscore, and adds a random end unless the rule says otherwise (protocol,
    sip/sip.go `EvaluateDispatchRule`).
    """
    for info in rules:
        rule = info.rule
        direct, individual, callee = rule.dispatch_rule_direct, rule.dispatch_rule_individual, rule.dispatch_rule_callee
        if direct.pin:
            yield direct.room_name, False
        if individual.pin and individual.no_randomness and individual.room_prefix:
            yield f"{individual.room_prefix}_", True
        if callee.pin and not callee.randomize and callee.room_prefix:
            yield f"{callee.room_prefix}_", True


class TelephoneRooms:
    """The rules that LiveKit has, asked for now and then."""

    def __init__(self, livekit: api.LiveKitAPI) -> None:
        self._livekit = livekit
        self._guarded = Remembered(self._ask, _REMEMBERED_S)
        self._told = False

    async def check(self, room: str) -> None:
        """Look whether a caller may name that room.

        Raises:
            RefusedError: a telephone rule guards it with a PIN.
        """
        for name, is_prefix in await self._guarded.get():
            if room == name or (is_prefix and room.startswith(name)):
                sentence = "room_name: this room belongs to the telephone, which asks for a PIN; choose another name."
                raise RefusedError(403, "telephone_room", sentence)

    async def _ask(self) -> tuple[tuple[str, bool], ...]:
        try:
            listed = await self._livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, OSError) as error:
            if not self._told:  # a livekit-server without Redis has no telephone and says so each time
                logger.info("LiveKit has no telephone rules to look at: %s", str(error) or type(error).__name__)
            self._told = True
            return ()
        return tuple(guarded(listed.items))
