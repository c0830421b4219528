"""The token server's errors.

TokenServerError
├── SettingsError   a setting that can't be used: names it, its value and the fix
└── RefusedError    a request that gets no token: a status, a code for programs, a sentence for people
"""


class TokenServerError(Exception):
    """Base of this package's errors."""


class SettingsError(TokenServerError):
    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name


class RefusedError(TokenServerError):
    def __init__(self, status: int, code: str, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """The response's headers for this refusal."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers
