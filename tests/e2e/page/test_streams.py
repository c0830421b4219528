"""The text streams that the page reads: the pure core of agents.js and streams.js, in the browser's own engine."""

from playwright.async_api import Page


async def test_a_stream_is_written_by_one_hand(page: Page) -> None:
    """All orders of up to four packets of one stream: no stranger's is read, and no piece but its owner's, or the agent's for
    the caller.
    """
    wrong = await page.evaluate(
        """async () => {
          const { StreamGate } = await import("/agents.js");
          const senders = ["agent", "caller", "mallory", ""];
          const kinds = ["streamHeader", "streamChunk", "streamTrailer"];
          const packets = senders.flatMap((sender) => kinds.map((kind) => ({ kind, sender, id: "s" })));
          const wrong = [];
          let seen = 0;
          const tryAll = (sent) => {
            if (sent.length === 4) {
              seen += 1;
              const gate = new StreamGate();
              let owner = null;
              for (const packet of sent) {
                const isStranger = ["mallory", ""].includes(packet.sender);
                if (!gate.admits(packet, { agent: "agent", caller: "caller", isStranger })) continue;
                if (packet.kind === "streamHeader") owner = packet.sender;
                const isOwn = packet.sender === owner || (owner === "caller" && packet.sender === "agent");
                if (isStranger || !isOwn) wrong.push(sent);
              }
              return;
            }
            for (const packet of packets) tryAll([...sent, packet]);
          };
          tryAll([]);
          const gate = new StreamGate();
          const room = { agent: "agent", caller: "caller", isStranger: false };
          const honest = kinds.map((kind) => gate.admits({ kind, sender: "agent", id: "s" }, room));
          return { seen, wrong: wrong.slice(0, 3), honest };
        }"""
    )
    assert wrong == {"seen": 12**4, "wrong": [], "honest": [True] * 3}


async def test_streams_of_others_do_not_end_the_one_that_is_read(page: Page) -> None:
    """A thousand streams without an end are opened while the agent's goes on: none of it is missed. What has been silent
    during the last two hundred is forgotten.
    """
    read = await page.evaluate(
        """async () => {
          const { StreamGate } = await import("/agents.js");
          const gate = new StreamGate();
          const room = { agent: "agent", caller: "caller", isStranger: false };
          const sent = (kind, id, sender) => gate.admits({ kind, id, sender }, room);
          sent("streamHeader", "s", "agent");
          sent("streamHeader", "silent", "agent");
          const read = [];
          for (let number = 0; number < 1000; number += 1) {
            sent("streamHeader", `of-others-${number}`, "another-agent");
            if (number % 100 === 0) read.push(sent("streamChunk", "s", "agent"));
          }
          return { read, end: sent("streamTrailer", "s", "agent"), silent: sent("streamChunk", "silent", "agent") };
        }"""
    )
    assert read == {"read": [True] * 10, "end": True, "silent": False}


async def test_words_that_are_faster_than_their_speaker_wait(page: Page) -> None:
    """A text stream whose sender isn't known yet is read, in order, once the agent is there; a stranger's is not."""
    read = await page.evaluate(
        """async () => {
          const { guardStreams } = await import("/streams.js");
          const read = [];
          const room = {
            localParticipant: { identity: "caller" },
            remoteParticipants: new Map(),
            handleDataStream: (packet) => read.push(`${packet.participantIdentity} ${packet.value.case}`),
          };
          const lookAgain = guardStreams(room, () => (room.remoteParticipants.has("agent") ? "agent" : null));
          const send = (participantIdentity, kind, streamId) =>
            room.handleDataStream({ participantIdentity, value: { case: kind, value: { streamId } } });
          for (const sender of ["mallory", "agent", ""]) send(sender, "streamHeader", sender);
          const before = [...read];
          for (const identity of ["mallory", "agent"]) room.remoteParticipants.set(identity, { isAgent: identity === "agent" });
          send("agent", "streamChunk", "agent");
          lookAgain();
          send("agent", "streamTrailer", "agent");
          return { before, read };
        }"""
    )
    assert read == {"before": [], "read": ["agent streamHeader", "agent streamChunk", "agent streamTrailer"]}
