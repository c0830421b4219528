"""Reads text files."""

from pathlib import Path

from configuration.errors import FileError
from configuration.text import decoded

LARGEST_BYTES = 1024 * 1024
"""The largest file that is read; people write shorter ones."""


def read_text(path: Path) -> str:
    """The text of a file, as `decoded` reads it.

    Raises:
        FileNotFoundError: there is none.
        FileError: it is there and can't be read, or is no text.
    """
    shown = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise FileError(shown, None, f"it is a link to {str(path.readlink())!r}, which is not there") from None
        raise
    except IsADirectoryError as error:
        fix = "it is a folder, and must be a file (Docker makes a folder where it is told to mount a file that isn't there)"
        raise FileError(shown, None, fix) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(shown, None, f"it can't be read ({reason})") from error
    if len(content) > LARGEST_BYTES:
        raise FileError(shown, None, f"it has more than {LARGEST_BYTES} bytes")
    return decoded(content, shown)
