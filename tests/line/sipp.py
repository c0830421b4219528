"""Calls by sipp: it repeats what is lost, sends sound, and ends with 0 if every call went as it should."""

import asyncio
import re
import socket
from pathlib import Path

import numpy as np

from demo.parts import Program, running
from tests.ports import free_port

_SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
  ]]></send>
  <recv response="100" optional="true"></recv>
  <recv response="180" optional="true"></recv>
  <recv response="200" rrs="true"></recv>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0
  ]]></send>
  <nop><action><exec rtp_stream="{sound},-1,0"/></action></nop>
  <pause milliseconds="{talk_ms}"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0
  ]]></send>
  <recv response="200"></recv>
</scenario>
"""


async def sipp_calls(folder: Path, port: int, number: str, *, caller: str, calls: int, at_once: int, talk_s: float) -> None:
    """Make calls, and see them end well.

    Args:
        folder: for sipp's scenario and logs.
        port: what is rung, on loopback.
        number: the number that is rung.
        caller: From's user part.
        calls: how many.
        at_once: how many of them at a time.
        talk_s: from the answer to the BYE.
    """
    sound, scenario = folder / "silence.ul", folder / "caller.xml"
    sound.write_bytes(np.full(8000, 0xFF, dtype=np.uint8).tobytes())
    scenario.write_text(_SCENARIO.format(caller=caller, sound=sound, talk_ms=round(talk_s * 1000)))
    argv = ["sipp", "-sf", str(scenario), "-s", number, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin"]
    argv += ["-p", str(free_port(socket.SOCK_DGRAM)), "-mp", "28000", "-m", str(calls), "-l", str(at_once), "-r", "1"]
    argv += ["-timeout", "90", "-timeout_error", "-trace_err", "-error_file", str(folder / "errors.log")]
    program = Program("sipp", [*argv, f"127.0.0.1:{port}"], None, re.compile(""), show=lambda _: None)
    async with running(program) as part, asyncio.timeout(100):
        code = await part.ended()
    errors = folder / "errors.log"
    assert code == 0, f"sipp ended with {code}: {errors.read_text()[-2000:] if errors.exists() else part.last_lines}"
