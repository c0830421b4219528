"""The folder of a directory store, and the machine's clock that all its processes read."""

import ctypes
import os
import stat
import sys
import tempfile
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  nothing in it is read before `make_private` has seen whose it is
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def default_folder(runtime_dir: str | None) -> Path | None:
    """The parent of the store's folder if no setting names one: in memory on Linux. None: this machine has no such place.

    Args:
        runtime_dir: XDG_RUNTIME_DIR, which systemd makes for each user, and for a unit with `RuntimeDirectory=`.
    """
    if runtime_dir and os.access(runtime_dir, os.W_OK | os.X_OK):
        return Path(runtime_dir)
    if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
        return _SHARED_MEMORY
    return Path(tempfile.gettempdir()) if sys.platform == "darwin" else None


def make_private(folder: Path) -> None:
    """Make the folder, readable for this user alone.

    Raises:
        OSError: it can't be made, is another user's, or lets others in.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is another user's")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"others may read {folder}; `chmod 700 {folder}`")


def boot_id() -> str:
    """The name of this run of the machine: `time.monotonic()` begins anew with each (docs/facts.md L291)."""
    if sys.platform == "darwin":
        uuid = ctypes.create_string_buffer(64)
        size = ctypes.c_size_t(len(uuid))
        ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", uuid, ctypes.byref(size), None, 0)
        return uuid.value.decode()
    return _BOOT_ID.read_text(encoding="ascii").strip()
