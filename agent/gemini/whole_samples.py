"""Sound that the service cuts at any byte, cut between samples. Pure."""

from agent.gemini.messages import Received


class WholeSamples:
    """Of one connection. An odd byte at the end of a message waits for the next one's sound; it is dropped with the answer."""

    def __init__(self) -> None:
        self._rest = b""

    def align(self, received: Received) -> None:
        """Have `received.pcm` begin and end between two samples."""
        if received.pcm and (self._rest or len(received.pcm) % 2):
            pcm = self._rest + received.pcm
            whole = len(pcm) - len(pcm) % 2
            received.pcm, self._rest = pcm[:whole], pcm[whole:]
        if received.generation_complete or received.turn_complete or received.interrupted or received.calls:
            self._rest = b""
