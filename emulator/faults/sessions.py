"""Faults of setup and resumption."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from emulator.closes import SESSION_LOCKED, SESSION_NOT_FOUND, Close
from emulator.faults.channel import Frame, content, says_something
from emulator.faults.fault import Fault
from emulator.messages import ClientMessage, Json

_MOST_REPLAYED = 2000


@dataclass(kw_only=True, eq=False)
class SetupCompleteLate(Fault):
    name = "setup_complete_late"
    what = "lets setupComplete wait for `seconds` more"
    evidence = "R S10"

    seconds: float = 5.0

    def begins(self) -> None:
        if not self.channel.set_up and self.happens():
            self.frozen_until = self.channel.now + self.seconds


class SetupCompleteNever(Fault):
    name = "setup_complete_never"
    what = "never sends setupComplete, nor anything else, on an open socket"
    evidence = "G"

    silent = False

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        return None if self.silent else message

    def sends(self, message: Json) -> Iterable[Frame]:
        if "setupComplete" in message:
            self.silent = self.happens()
        return () if self.silent else (message,)


@dataclass(kw_only=True, eq=False)
class ResumeRefused(Fault):
    name = "resume_refused"
    what = "closes a resume in place of setupComplete, with any code and reason"
    evidence = "U S17c"

    after_s: float = 0.55
    code: int = field(default=1007, metadata={"least": 1000, "most": 4999})
    reason: str = "Invalid session handle"

    refuses = False

    def begins(self) -> None:
        if self.channel.resumed_handle is not None and not self.channel.set_up and self.is_meant() and self.happens():
            self.refuses = True
            self.due_at = self.channel.now + self.after_s

    def is_meant(self) -> bool:
        """Whether the connection's resume is one to refuse."""
        return True

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        return None if self.refuses else message

    def sends(self, message: Json) -> Iterable[Frame]:
        return () if self.refuses else (message,)

    def due(self) -> None:
        self.channel.shut(Close(self.code, self.reason))


@dataclass(kw_only=True, eq=False)
class ResumeLock(ResumeRefused):
    name = "resume_lock"
    what = "closes a resume 1011, as if the session's old socket were still open"
    evidence = "R S12"

    code: int = field(default=SESSION_LOCKED.code, init=False)
    reason: str = field(default=SESSION_LOCKED.reason, init=False)


@dataclass(kw_only=True, eq=False)
class ResumeCooldown(ResumeLock):
    name = "resume_cooldown"
    what = "closes each resume 1011 until `seconds` after the session's first attempt"
    evidence = "R S12"

    times: int = 0
    seconds: float = 1.5

    def is_meant(self) -> bool:
        handle = self.channel.resumed_handle or ""
        first_at = self.tally.recall(handle)
        if not isinstance(first_at, float):
            first_at = self.channel.now
            self.tally.remember(handle, first_at)
        return self.channel.now < first_at + self.seconds


@dataclass(kw_only=True, eq=False)
class StaleHandle(ResumeRefused):
    name = "stale_handle"
    what = "closes a resume 1008: session not found"
    evidence = "R"

    code: int = field(default=SESSION_NOT_FOUND.code, init=False)
    reason: str = field(default=SESSION_NOT_FOUND.reason, init=False)


class ResumeChainAmnesia(Fault):
    name = "resume_chain_amnesia"
    what = "a handle that a resumed connection gave out restores nothing: the second resume forgets"
    evidence = "R S11b"

    def sends(self, message: Json) -> Iterable[Frame]:
        if "sessionResumptionUpdate" in message and self.channel.resumed_handle is not None and self.channel.handle is not None:
            self.tally.remember(self.channel.handle, "given out by a resumed connection")
        return (message,)

    def forgets(self, handle: str) -> bool:
        return self.tally.recall(handle) is not None and self.happens()


class PoisonedResume(Fault):
    name = "poisoned_resume"
    what = "hears and transcribes after a resume, and never speaks or calls again on that connection"
    evidence = "U S15"

    poisoned = False

    def sends(self, message: Json) -> Iterable[Frame]:
        said = content(message)
        model = says_something(message) or {"generationComplete", "interrupted", "turnComplete"} & said.keys()
        if self.channel.resumed_handle is None or not (model or "toolCall" in message):
            return (message,)
        self.poisoned = self.poisoned or self.happens()
        return () if self.poisoned else (message,)


@dataclass(kw_only=True, eq=False)
class ResumptionFlood(Fault):
    name = "resumption_flood"
    what = "repeats the sessionResumptionUpdate every `every_s` seconds, on a whole connection"
    evidence = "R S13"

    every_s: float = field(default=1.2, metadata={"least": 0.05})

    floods = False

    def begins(self) -> None:
        self.due_at = self.channel.now + self.every_s

    def due(self) -> None:
        self.due_at = self.channel.now + self.every_s
        if not self.channel.set_up or self.channel.handle is None:
            return
        self.floods = self.floods or self.happens()
        if self.floods:
            self.channel.send({"sessionResumptionUpdate": {"newHandle": self.channel.handle, "resumable": True}})


class SplitTranscriptReplay(Fault):
    name = "split_transcript_replay"
    what = "sends the transcript of the last turn again after a resume"
    evidence = "U S15"

    said = ""
    said_turn = 0

    def sends(self, message: Json) -> Iterable[Frame]:
        text = (content(message).get("outputTranscription") or {}).get("text", "")
        if text:
            before = self.said if self.said_turn == self.channel.turn else ""
            self.said, self.said_turn = (before + text)[-_MOST_REPLAYED:], self.channel.turn
        if self.said and self.channel.handle is not None:
            self.tally.remember(self.channel.handle, self.said)
        last = self.tally.recall(self.channel.resumed_handle)
        if "setupComplete" in message and last is not None and self.happens():
            return (message, {"serverContent": {"outputTranscription": {"text": last}}})
        return (message,)
