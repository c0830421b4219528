"""The demo's errors.

DemoError
├── SettingError      a setting that can't be used: a bad PORT_BASE, a taken port
├── NoServerError     no livekit-server, and no way to build one
└── PartDiedError     a part ended by itself, or was never ready: carries its last lines
"""


class DemoError(Exception):
    """Base of this package's errors."""


class SettingError(DemoError):
    pass


class NoServerError(DemoError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no livekit-server: {reason}. Get v1.13.5 on Linux: `curl -sSL https://get.livekit.io | bash`; on macOS: "
            "`brew install livekit`; with Docker: copy /livekit-server out of the image livekit/livekit-server:v1.13.5; "
            "and put it on PATH."
        )


class PartDiedError(DemoError):
    def __init__(self, name: str, what: str, last_lines: list[str]) -> None:
        told = "".join(f"\n  {line}" for line in last_lines) or "\n  (it said nothing)"
        super().__init__(f"{name} {what}. Its last lines:{told}")
        self.name = name
