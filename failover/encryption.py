"""What leases and checkpoints look like at rest: encrypted if there is a key, and under names that show no room."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from configuration import ValueMistakeError

MAKE_A_KEY = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"

_PLAIN = b"0"
_ENCRYPTED = b"1"
"""The first byte of what is kept: without it a worker without a key would take an encrypted name for the name of a room."""


class Encryption:
    """Encrypts with the first of some keys, decrypts with any of them. Without keys texts stay as they are.

    Args:
        keys: Fernet keys, 44 characters each; docs/failover.md says how they are changed.
        secret: the key of the hash in names. A hash without a secret is found by trying all telephone numbers.
        fleet: the name of the fleet, which is part of what is hashed.

    Raises:
        ValueMistakeError: a key isn't a Fernet key.
    """

    def __init__(self, keys: Sequence[str], secret: bytes, fleet: str) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys]) if keys else None
        self._secret = secret
        self._fleet = fleet

    def name(self, room: str = "") -> str:
        """A name for the call in a room, for a file or a key; without a room one for the fleet."""
        return hmac.new(self._secret, f"{self._fleet}\0{room}".encode(), hashlib.sha256).hexdigest()[:40]

    def encrypt(self, content: bytes) -> bytes:
        return _PLAIN + content if self._fernet is None else _ENCRYPTED + self._fernet.encrypt(content)

    def decrypt(self, content: bytes) -> bytes | None:
        """The content; None if no key fits, if it is encrypted and there is no key, or the other way round."""
        kind, rest = content[:1], content[1:]
        if self._fernet is None:
            return rest if kind == _PLAIN else None
        try:
            return self._fernet.decrypt(rest) if kind == _ENCRYPTED else None
        except InvalidToken:
            return None


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        fix = f"it is one Fernet key, or several with commas in between, the newest first; `{MAKE_A_KEY}` makes one"
        raise ValueMistakeError("CHECKPOINT_KEY", "***", fix) from error
