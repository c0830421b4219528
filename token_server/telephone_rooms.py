"""Rooms that the telephone's rules guard with a PIN: a caller with a token must not get into them without it."""

import logging
from collections.abc import Iterable, Iterator

from livekit import api

from token_server.cached import Cached
from token_server.errors import RefusedError
from token_server.livekit_errors import LIVEKIT_ERRORS, reason

REMEMBERED_S = 10.0
"""The rules are asked for again after so many seconds."""

Room = tuple[str, bool]
"""A room's name, and whether it is only the beginning of names."""

logger = logging.getLogger("token_server")


def guarded(rules: Iterable[api.SIPDispatchRuleInfo]) -> Iterator[Room]:
    """The rooms of rules with a PIN whose names can be guessed.

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


def has_no_telephone(error: Exception) -> bool:
    """Whether an error of LiveKit's means that it keeps no telephone rules, rather than that it can't list them.

    livekit-server without Redis answers with the code `internal` (1.13.5, pkg/service/errors.go `ErrSIPNotConnected`). If its
    Redis fails, the code is the same, but Twirp adds the failure's type as `cause` (twirp 8, errors.go `InternalErrorWith`).
    A server without the SIP service answers with `bad_route` or `unimplemented`.
    """
    if not isinstance(error, api.TwirpError):
        return False
    if error.code == api.TwirpErrorCode.INTERNAL:
        return "cause" not in error.metadata
    return error.code in (api.TwirpErrorCode.BAD_ROUTE, api.TwirpErrorCode.UNIMPLEMENTED)


class TelephoneRooms:
    """The rooms of LiveKit's telephone rules with a PIN. While LiveKit doesn't list its rules, the last list counts."""

    def __init__(self, livekit: api.LiveKitAPI, remembered_s: float = REMEMBERED_S) -> None:
        self._livekit = livekit
        self._remembered = Cached(self._ask, remembered_s)
        self._guarded: tuple[Room, ...] = ()
        self._is_told = False
        """Whether this failure to list the rules is in the log."""

    async def check(self, room: str) -> None:
        """Check that a caller may name that room.

        Raises:
            RefusedError: a telephone rule guards it with a PIN.
        """
        for name, is_prefix in await self._remembered.get():
            if room == name or (is_prefix and room.startswith(name)):
                sentence = "room_name: this room belongs to the telephone, which asks for a PIN; choose another name."
                raise RefusedError(403, "telephone_room", sentence)

    async def _ask(self) -> tuple[Room, ...]:
        try:
            listed = await self._livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        except LIVEKIT_ERRORS as error:
            self._tell(error)
        else:
            self._guarded = tuple(guarded(listed.items))
            self._is_told = False
        return self._guarded

    def _tell(self, error: Exception) -> None:
        """Log the first failure of several in a row."""
        if self._is_told:
            return
        self._is_told = True
        if has_no_telephone(error):
            logger.info("LiveKit has no telephone rules to look at: %s", reason(error))
        else:
            line = "LiveKit doesn't list its telephone rules; the %d rooms with a PIN that are known stay guarded: %s"
            logger.warning(line, len(self._guarded), reason(error))
