"""The I/O of one call: its RTP socket, its room, its clock. call.py decides what happens."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telephony.line import offer
from telephony.line.call import Action, Answer, CallState, EndReason, HangUp, Limits, Phase, Play, Status, Tone
from telephony.line.clock import until
from telephony.line.codecs import Samples, at_rate, codec
from telephony.line.dtmf import of_info
from telephony.line.errors import NoPortError, OfferError, RoomError
from telephony.line.leg import Leg, Ports, open_leg
from telephony.line.media import TICK_S, Media, Start
from telephony.line.participant_token import CALL_STATUS, JoinInfo
from telephony.line.reach import Reach
from telephony.line.room import CallRoom
from telephony.line.tones import tone
from telephony.line.wire import Address

_LATE_S = 0.2

logger = logging.getLogger("telephony.line")


@dataclass(frozen=True)
class CallSetup:
    """The parameters of a call."""

    caller: str
    """The caller's number or identity, for the log."""
    offered: str
    """The INVITE's session description; empty if it has none, and the 200 has our offer."""
    choice: offer.Choice | None
    """The negotiated media; None if the INVITE has no offer."""
    codecs: Sequence[str]
    reach: Reach
    join_info: Callable[[int], JoinInfo]
    """Makes the token for the room, for a sample rate in Hz."""
    limits: Limits


@dataclass(frozen=True)
class Signalling:
    """The SIP messages that a call sends to its phone; the SIP server sends them."""

    answer: Callable[[int, str | None], None]
    """Answer the INVITE: status, session description."""
    hang_up: Callable[[], None]
    """Send a BYE."""


class PhoneCall:
    """`await call.run()` is the call, from ringing to its end. The other methods tell it what the phone did."""

    def __init__(self, setup: CallSetup, signalling: Signalling, ports: Ports) -> None:
        choice = setup.choice or offer.undecided(offer.offerable(setup.codecs))
        self.state = CallState(setup.limits, time.monotonic(), held=choice.on_hold)
        start = Start(secrets.randbits(32), secrets.randbits(16), secrets.randbits(32))
        self.media = Media(choice, start, setup.reach)
        self._setup, self._signalling, self._ports = setup, signalling, ports
        self._room_rate_hz = codec(choice.codec).sample_rate_hz
        self._session = (secrets.randbits(31), 0)
        self._offered = setup.offered
        self._local: Address = (ports.host, 0)
        self._room: CallRoom | None = None
        self._tone: Tone | None = None
        self._tone_at = 0
        self._changed = asyncio.Event()
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Live the call."""
        try:
            async with open_leg(self._ports, self._on_datagram) as leg:
                self._local = leg.local
                await self._live(leg)
        except NoPortError as error:
            logger.warning("a call from %s is refused: %s", self._setup.caller, error)
            self._do(self.state.failed(503, EndReason.NO_PORT))

    async def _live(self, leg: Leg) -> None:
        self._signalling.answer(180, None)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stay_in_room(), name="room")  # it ends by itself
            running = [tasks.create_task(self._watch(), name="watch"), tasks.create_task(self._play(leg), name="media")]
            await self._over.wait()
            for task in running:
                task.cancel()

    # What the phone did

    def cancelled(self) -> None:
        self._do(self.state.cancelled())

    def hung_up(self) -> None:
        self._do(self.state.hung_up())

    def acknowledged(self, answered: str) -> None:
        """The ACK of our 200. `answered`: its session description, which answers our offer if the INVITE had none."""
        if self._setup.choice is None and self.state.phase is Phase.ANSWERED:
            try:
                self._agree(self._choose(answered, offer.offerable(self._setup.codecs)))
            except OfferError as error:
                logger.warning("the call from %s: its answer to our offer can't be used: %s", self.caller, error)
                self._do(self.state.failed(488, EndReason.NO_MEDIA))
                return
            self._offered = answered
        self.media.confirmed()
        self._do(self.state.acknowledged(time.monotonic()))

    def told_digit(self, body: str) -> None:
        """Take the body of an INFO that brings a digit. A body without a digit is ignored."""
        digit = of_info(body)
        own = self.media.told(digit) if digit is not None else None
        if own is not None:
            self.digit_heard(own)

    def unacknowledged(self) -> None:
        self._do(self.state.unacknowledged())

    def shut_down(self) -> None:
        self._do(self.state.shut_down(time.monotonic()))

    def renegotiate(self, offered: str) -> str:
        """Answer a re-INVITE: with its offer's answer, or with an offer of ours if it has none.

        Raises:
            OfferError: nothing in it can be done; the call goes on as it was.
        """
        if offered.strip():
            self._agree(self._choose(offered, self._setup.codecs))
            self._offered = offered
        return self._description()

    def answered_our_offer(self, answered: str) -> None:
        """The ACK to an offer of ours brought the phone's answer."""
        try:
            self._agree(self._choose(answered, [self.media.choice.codec]))
        except OfferError as error:
            logger.info("an answer in an ACK is ignored: %s", error)

    def _choose(self, body: str, codecs: Sequence[str]) -> offer.Choice:
        return offer.reachable(offer.choose(body, codecs, self._local[0]), self._setup.reach)

    def _agree(self, choice: offer.Choice) -> None:
        self.media.renegotiated(choice)
        self._do(self.state.held(time.monotonic(), held=choice.on_hold))

    def failed(self) -> None:
        """The call's task is over: if the call isn't, tell the phone, whatever its state."""
        self._do(self.state.failed(500, EndReason.FAILED))

    # What the room did

    def agent_heard(self) -> None:
        self._do(self.state.agent_heard(time.monotonic()))

    def agent_gone(self) -> None:
        self._do(self.state.agent_gone(time.monotonic()))

    def room_gone(self) -> None:
        self._do(self.state.room_gone(time.monotonic()))

    def digits_pressed(self, digit: str) -> None:
        if self.media.choice.dtmf_payload_type is None:
            logger.warning("a digit from the room is not sent: the phone doesn't take RFC 4733 digits")
        elif not self.media.keypad.press(digit):
            logger.warning("a digit from the room is not sent: it is none, or too many wait")

    # The call's tasks

    async def _watch(self) -> None:
        while True:
            self._changed.clear()
            actions = self.state.due(time.monotonic())
            if actions:
                self._do(actions)
            await until(self.state.next_at, self._changed)

    async def _stay_in_room(self) -> None:
        try:
            async with CallRoom(self._setup.join_info(self._room_rate_hz), self) as room:
                self._room = room
                if self.state.phase is not Phase.RINGING:  # the token says that it rings
                    room.show({CALL_STATUS: self.status})
                await self._over.wait()
        except RoomError as error:
            logger.error("a call from %s has no room: %s", self._setup.caller, error)  # noqa: TRY400  the sentence says it
            self._do(self.state.room_failed(time.monotonic()))
        finally:
            self._room = None

    async def _play(self, leg: Leg) -> None:
        """Every 20 ms one step of sound, in both directions."""
        clock = asyncio.get_running_loop().time
        next_at = clock()
        while True:
            next_at += TICK_S
            late_s = clock() - next_at
            if late_s > _LATE_S:  # the machine slept
                next_at += late_s
            await asyncio.sleep(max(next_at - clock(), 0))
            if self.state.phase is not Phase.RINGING:
                await self._step(leg)

    async def _step(self, leg: Leg) -> None:
        samples = self._to_phone(round(TICK_S * self._room_rate_hz))
        packet = self.media.speak(at_rate(samples, self._room_rate_hz, self.media.sample_rate_hz))
        if packet is not None and self.media.peer is not None:
            leg.send(packet, self.media.peer)
        heard = self.media.heard(time.monotonic())
        if self._room is not None:
            await self._room.hear(at_rate(heard, self.media.sample_rate_hz, self._room_rate_hz))

    def _to_phone(self, count: int) -> Samples:
        """The next `count` samples for the phone. The room's sound is taken during a tone, too, so that it doesn't pile up."""
        if self._room is not None:
            spoken = self._room.spoken(count)
            if self._tone is None:
                return spoken
        kind = self._tone or Tone.RINGING
        samples = tone(kind, self._room_rate_hz, self._tone_at, count)
        self._tone_at += count
        return samples

    def _on_datagram(self, data: bytes, source: Address) -> None:
        now = time.monotonic()
        before, strangers = self.media.peer, self.media.strangers
        received = self.media.receive(data, source, now)
        if received is None:
            if strangers == 0 and self.media.strangers == 1:
                fix = self._setup.reach.to_hear(source[0])
                logger.warning("sound from %s:%d is not heard: the phone said %s; %s", *source, self._described_peer, fix)
            return
        if self.media.peer != before:
            logger.info("sound comes from %s:%d, and goes there: the phone said %s", *source, self._described_peer)
        self.state.sound(now)
        if received.digit is not None:
            self.digit_heard(received.digit)

    @property
    def _described_peer(self) -> str:
        peer = self.media.choice.peer
        return f"{peer[0]}:{peer[1]}" if peer is not None else "nothing yet"

    def digit_heard(self, digit: str) -> None:
        """The phone sent a digit, for the room."""
        if self._room is not None and self.state.phase is Phase.ACTIVE:
            self._room.press(digit)

    # What is decided

    @property
    def status(self) -> str:
        """livekit-sip's word for the call's state."""
        return {Phase.RINGING: "ringing", Phase.ANSWERED: "ringing", Phase.ACTIVE: "active"}.get(self.state.phase, "hangup")

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Answer(status, media):
                    can_describe = status == 200 or self._setup.choice is not None  # an offer of ours is in the 200 only
                    self._signalling.answer(status, self._description() if media and can_describe else None)
                case HangUp():
                    self._signalling.hang_up()
                case Play(kind):
                    self._tone, self._tone_at = kind, 0
                case Status(status):
                    if self._room is not None and status != "hangup":  # the room says that itself as it is left
                        self._room.show({CALL_STATUS: status})
        self._changed.set()
        if self.state.phase is Phase.ENDED:
            self._over.set()

    @property
    def caller(self) -> str:
        return self._setup.caller

    @property
    def summary(self) -> str:
        """The call's end and the quality of its sound, for the log."""
        jitter, strangers = self.media.jitter, self.media.strangers
        why = self.state.end_reason.value if self.state.end_reason is not None else "it goes on"
        heard = f"{jitter.counts.arrived} packets, {jitter.counts.late} chunks late, {jitter.counts.missing} missing"
        dropped = f"{strangers} from strangers, {self.media.flooded} too many"
        return f"{why} ({heard}, buffer {jitter.delay_s * 1000:.0f} ms, {dropped})"

    def _description(self) -> str:
        """Our session description: an answer to the phone's last offer, or an offer if there is none (RFC 3264 8)."""
        session, self._session = self._session, (self._session[0], self._session[1] + 1)
        if not self._offered:
            return offer.propose(offer.offerable(self._setup.codecs), self._local, session)
        return offer.describe(self._offered, self.media.choice, self._local, session)
