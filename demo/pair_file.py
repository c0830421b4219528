"""The file in which other programs of this user find the demo's LiveKit: its URL, its key and its secret.

`python -m demo.pair_file` prints its path.
"""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from configuration import FileError
from demo.errors import SettingError
from demo.settings import read_settings


def path_of(cache_dir: Path, port_base: int) -> Path:
    """The path of the file of the demo at that port base."""
    return cache_dir / "demo" / f"{port_base}.env"


@contextmanager
def written(path: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Keep the variables in the file for as long as the block lasts, readable by this user alone.

    Each is a line `NAME=value` that a shell and python-dotenv read.

    Raises:
        OSError: the file can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def main() -> int:
    """Print the path for these settings; returns the exit code."""
    try:
        settings = read_settings()
    except (SettingError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    print(path_of(settings.cache_dir, settings.ports.base))
    return 0


if __name__ == "__main__":
    sys.exit(main())
