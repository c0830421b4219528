"""What each recorded close means, and what is done about it."""

import pytest

from agent.gemini.connection.closes import Failure, Remedy, Stage, judge
from agent.gemini.events import Cause

GOAWAY = "Connection aborted because the client failed to close the connection after receiving a GoAway signal once"
UNKNOWN_MODEL = "models/X is not found for API version v1beta, or is not supported for bidiGenerateContent. Call ModelService"
UNREGISTERED = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or"


@pytest.mark.parametrize(
    ("stage", "code", "reason", "cause", "remedy"),
    [
        (Stage.DIAL, None, "", Cause.UNAVAILABLE, Remedy.AGAIN),
        (Stage.DIAL, 503, "", Cause.UNAVAILABLE, Remedy.AGAIN),
        (Stage.DIAL, 403, "", Cause.KEY, Remedy.NONE),
        (Stage.DIAL, 429, "", Cause.QUOTA, Remedy.NONE),
        (Stage.DIAL, 404, "", Cause.MODEL, Remedy.NONE),
        (Stage.FRESH, 1007, "API key not valid. Please pass a valid API key.", Cause.KEY, Remedy.NONE),
        (Stage.FRESH, 1008, UNREGISTERED, Cause.KEY, Remedy.NONE),
        (Stage.FRESH, 1008, UNKNOWN_MODEL, Cause.MODEL, Remedy.NONE),
        (
            Stage.FRESH,
            1008,
            "Publisher model `projects/P/locations/L/publishers/google/models/X` was",
            Cause.MODEL,
            Remedy.NONE,
        ),
        (Stage.FRESH, 1007, "User location is not supported for the API use.", Cause.LOCATION, Remedy.NONE),
        (Stage.FRESH, 1007, "Request contains an invalid argument.", Cause.SETTINGS, Remedy.NONE),
        (Stage.FRESH, 1007, "Cannot extract voices from a non-audio request.", Cause.SETTINGS, Remedy.NONE),
        (Stage.FRESH, 1011, "Internal error encountered.", Cause.CLOSED, Remedy.AGAIN),
        (Stage.FRESH, 1011, "Token has been used too many times", Cause.TOKEN_USED_UP, Remedy.NONE),
        (Stage.FRESH, 1011, "Token has expired", Cause.TOKEN_EXPIRED, Remedy.NONE),
        (Stage.RESUME, 1011, "Token has expired", Cause.TOKEN_EXPIRED, Remedy.NONE),
        (Stage.RESUME, 1011, "Internal error encountered.", Cause.LOCKED, Remedy.AGAIN),
        (Stage.RESUME, 1008, "BidiGenerateContent session not found", Cause.HANDLE, Remedy.WITHOUT_HANDLE),
        (Stage.RESUME, 1007, "Invalid session handle", Cause.HANDLE, Remedy.WITHOUT_HANDLE),
        (Stage.RESUME, 1007, "Request contains an invalid argument.", Cause.HANDLE, Remedy.WITHOUT_HANDLE),
        (Stage.RESUME, 1007, "API key not valid. Please pass a valid API key.", Cause.KEY, Remedy.NONE),
        (
            Stage.RUNNING,
            1011,
            "You exceeded your current quota, please check your plan and billing details",
            Cause.QUOTA,
            Remedy.NONE,
        ),
        (Stage.RUNNING, 1011, "auth token has expired", Cause.TOKEN_EXPIRED, Remedy.NONE),
        (Stage.RUNNING, 1008, GOAWAY, Cause.EXPIRED, Remedy.AGAIN),
        (Stage.RUNNING, 1011, "Deadline expired before operation could complete.", Cause.EXPIRED, Remedy.AGAIN),
        (Stage.RUNNING, 1008, "The operation was aborted.", Cause.IDLE, Remedy.AGAIN),
        (Stage.RUNNING, 1007, "Request contains an invalid argument.", Cause.SETTINGS, Remedy.WITH_HISTORY),
        (Stage.RUNNING, 1008, "Operation is not implemented, or supported, or enabled.", Cause.CLOSED, Remedy.WITH_HISTORY),
        (Stage.RUNNING, 1011, "The service is currently unavailable.", Cause.CLOSED, Remedy.AGAIN),
        (Stage.RUNNING, 1000, "", Cause.CLOSED, Remedy.AGAIN),
        (Stage.RUNNING, 1001, "", Cause.CLOSED, Remedy.AGAIN),
        (Stage.RUNNING, 1006, "", Cause.DROPPED, Remedy.AGAIN),
        (Stage.RUNNING, None, "", Cause.DROPPED, Remedy.AGAIN),
        (Stage.RUNNING, 4711, "whatever", Cause.CLOSED, Remedy.AGAIN),
    ],
)
def test_a_close(stage: Stage, code: int | None, reason: str, cause: Cause, remedy: Remedy) -> None:
    verdict = judge(Failure(stage, code, reason))
    assert (verdict.cause, verdict.remedy) == (cause, remedy)


@pytest.mark.parametrize("stage", list(Stage))
def test_our_own_clock_knows_why(stage: Stage) -> None:
    verdict = judge(Failure(stage, cause=Cause.SETUP))
    assert (verdict.cause, verdict.remedy) == (Cause.SETUP, Remedy.AGAIN)
