"""Asks livekit-server what livekit-sip asks it for an incoming call: LiveKit's psrpc over Redis, spoken here by hand.

Only the fields that are needed are declared; their numbers are those of `rpc/io.proto` and of psrpc's `internal.proto`.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from livekit import api

from telephony.routing import Call, RoutingResult

_STRING, _BYTES, _INT64, _BOOL, _ENUM_AS_INT, _FLOAT = 9, 12, 3, 8, 5, 2
_SERVICE = "IOInfo"
_ANSWER_S = 10

_MESSAGES: dict[str, dict[str, tuple[int, int]]] = {
    "internal.Msg": {"type_url": (1, _STRING), "value": (2, _BYTES)},
    "internal.Request": {
        "request_id": (1, _STRING),
        "client_id": (2, _STRING),
        "sent_at": (3, _INT64),
        "expiry": (4, _INT64),
        "raw_request": (8, _BYTES),
    },
    "internal.ClaimRequest": {"request_id": (1, _STRING), "server_id": (2, _STRING), "affinity": (3, _FLOAT)},
    "internal.ClaimResponse": {"request_id": (1, _STRING), "server_id": (2, _STRING)},
    "internal.Response": {"request_id": (1, _STRING), "error": (5, _STRING), "code": (6, _STRING), "raw_response": (7, _BYTES)},
    "rpc.AuthRequest": {"sip_call_id": (6, _STRING), "from": (2, _STRING), "from_host": (7, _STRING), "to": (3, _STRING)}
    | {"src_address": (4, _STRING)},
    "rpc.AuthAnswer": {"username": (1, _STRING), "password": (2, _STRING), "sip_trunk_id": (4, _STRING)},
    "rpc.DispatchRequest": {
        "sip_call_id": (8, _STRING),
        "calling_number": (2, _STRING),
        "called_number": (3, _STRING),
        "src_address": (4, _STRING),
        "pin": (5, _STRING),
        "no_pin": (6, _BOOL),
        "calling_host": (11, _STRING),
    },
    "rpc.Attribute": {"key": (1, _STRING), "value": (2, _STRING)},
    "rpc.DispatchAnswer": {
        "room_name": (1, _STRING),
        "participant_identity": (2, _STRING),
        "participant_name": (7, _STRING),
        "result": (6, _ENUM_AS_INT),
        "sip_trunk_id": (9, _STRING),
        "sip_dispatch_rule_id": (10, _STRING),
        "room_config": (21, _BYTES),
    },
}
_OUTCOMES = {1: "accept", 2: "pin", 3: "reject", 4: "drop"}


def _types() -> dict[str, type[Any]]:
    pool = descriptor_pool.DescriptorPool()
    for package in ("internal", "rpc"):
        file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
        for name, fields in _MESSAGES.items():
            if name.startswith(f"{package}."):
                message = file.message_type.add(name=name.partition(".")[2])
                for label, (number, kind) in fields.items():
                    message.field.add(name=label, number=number, type=kind, label=1)
                if name == "rpc.DispatchAnswer":
                    # a map on the wire: one message for each entry
                    message.field.add(name="attributes", number=11, type=11, label=3, type_name=".rpc.Attribute")
        pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in _MESSAGES}


_TYPES = _types()


@dataclass(frozen=True)
class Said:
    """The server's two answers to one call."""

    outcome: str
    trunk_id: str = ""
    rule_id: str = ""
    asks_password: bool = False
    room: str = ""
    identity: str = ""
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    agents: tuple[str, ...] = ()


def predicted(answer: RoutingResult) -> Said:
    """Our own answer in the server's form; the room without its random end."""
    accepted = answer.outcome == "accept"
    rule = answer.rule
    return Said(
        outcome=answer.outcome,
        trunk_id=answer.trunk.sip_trunk_id if answer.trunk and answer.outcome != "error" else "",
        rule_id=rule.sip_dispatch_rule_id if rule is not None else "",
        asks_password=answer.asks_password,
        room=answer.room,
        identity=answer.identity,
        name=answer.name,
        attributes=answer.attributes,
        agents=tuple(agent.agent_name for agent in rule.room_config.agents) if accepted and rule is not None else (),
    )


class Bridge:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._sender = reader, writer, sender
        self._client_id = f"CLI_{secrets.token_hex(6)}"

    async def listen(self) -> None:
        for channel in ("CLAIM", "RES"):
            self._writer.write(_command(b"SUBSCRIBE", f"{_SERVICE}|{self._client_id}|{channel}".encode()))
            await self._read()

    async def ask(self, call: Call) -> Said:
        """The server's answers to a call: whose password it asks for, and where it goes."""
        common = {"sip_call_id": f"SCL_{secrets.token_hex(6)}", "src_address": call.source_ip}
        auth = {"from": call.caller, "from_host": call.from_host, "to": call.called, **common}
        try:
            trunk = await self._request("GetSIPTrunkAuthentication", _TYPES["rpc.AuthRequest"](**auth), "rpc.AuthAnswer")
            request = _TYPES["rpc.DispatchRequest"](
                calling_number=call.caller,
                calling_host=call.from_host,
                called_number=call.called,
                pin=call.pin or "",
                no_pin=call.pin == "",
                **common,
            )
            answer = await self._request("EvaluateSIPDispatchRules", request, "rpc.DispatchAnswer")
        except RefusedError:
            return Said("error")
        room_config = api.RoomConfiguration.FromString(answer.room_config)
        attributes = {entry.key: entry.value for entry in answer.attributes}
        assert attributes.pop("sip.callID", common["sip_call_id"]) == common["sip_call_id"]
        return Said(
            outcome=_OUTCOMES[answer.result],
            trunk_id=answer.sip_trunk_id,
            rule_id=answer.sip_dispatch_rule_id,
            asks_password=bool(trunk.username and trunk.password),
            room=answer.room_name,
            identity=answer.participant_identity,
            name=answer.participant_name,
            attributes=attributes,
            agents=tuple(agent.agent_name for agent in room_config.agents),
        )

    async def _request(self, method: str, request: Any, answer: str) -> Any:
        request_id, now = f"REQ_{secrets.token_hex(6)}", time.time_ns()
        envelope = {"request_id": request_id, "client_id": self._client_id, "sent_at": now}
        self._publish(
            f"{_SERVICE}|{method}|REQ",
            "internal.Request",
            expiry=now + _ANSWER_S * 10**9,
            raw_request=request.SerializeToString(),
            **envelope,
        )
        async with asyncio.timeout(_ANSWER_S):
            while True:
                kind, message = await self._message()
                if message.request_id != request_id:
                    continue
                if kind == "internal.ClaimRequest":
                    claim = {"request_id": request_id, "server_id": message.server_id}
                    self._publish(f"{_SERVICE}|{method}|RCLAIM", "internal.ClaimResponse", **claim)
                elif message.error:
                    raise RefusedError(message.code, message.error)
                else:
                    return _TYPES[answer].FromString(message.raw_response)

    def _publish(self, channel: str, kind: str, **fields: Any) -> None:
        value = _TYPES[kind](**fields).SerializeToString()
        wrapped = _TYPES["internal.Msg"](type_url=f"type.googleapis.com/{kind}", value=value)
        self._sender.write(_command(b"PUBLISH", channel.encode(), wrapped.SerializeToString()))

    async def _message(self) -> tuple[str, Any]:
        _, _, payload = await self._read()
        wrapped = _TYPES["internal.Msg"].FromString(payload)
        kind = wrapped.type_url.rpartition("/")[2]
        return kind, _TYPES[kind].FromString(wrapped.value)

    async def _read(self) -> Any:
        """Read one reply of Redis."""
        line = (await self._reader.readuntil(b"\r\n"))[:-2]
        if line[:1] == b"*":
            return [await self._read() for _ in range(int(line[1:]))]
        if line[:1] == b"$":
            return (await self._reader.readexactly(int(line[1:]) + 2))[:-2]
        return line[1:]


class RefusedError(Exception):
    """The server answers with an error."""


def _command(*parts: bytes) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


@asynccontextmanager
async def bridge(redis_port: int) -> AsyncIterator[Bridge]:
    """A stand-in for livekit-sip, as livekit-server sees it: without a SIP side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", redis_port)
    _, sender = await asyncio.open_connection("127.0.0.1", redis_port)
    try:
        asking = Bridge(reader, writer, sender)
        await asking.listen()
        yield asking
    finally:
        for stream in (writer, sender):
            stream.close()
            await stream.wait_closed()
