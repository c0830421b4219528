"""What stops a worker, or a call, from starting.

AgentError
├── SettingsError   a setting that can't be used: names it, its value and the fix
├── PersonaError    a persona that is missing or broken: names the file and the key
└── WorkerError     the surroundings refuse: a taken port, a wrong LiveKit secret
"""


class AgentError(Exception):
    """Base of this package's errors. Its text is one sentence for the operator, without secrets."""


class SettingsError(AgentError):
    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name


class PersonaError(AgentError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"persona {name!r}: {reason}")
        self.name = name


class WorkerError(AgentError):
    """The worker can't start here."""
