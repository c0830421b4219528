"""The reasons for which a call is to be handed over to another process. Pure."""

import enum


class HandoverReason(enum.StrEnum):
    """The reason of a hand-over, as the log shows it."""

    MEMORY = "memory"
    """The call's process uses more memory than JOB_MEMORY_MB."""
