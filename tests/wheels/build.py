"""Builds a wheel as `make dist` does."""

import os
import shutil
import subprocess
from pathlib import Path

from scripts.wheels import ROOT, stage


def uv() -> str:
    """The uv that the Makefile found or installed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot" / "uv" / "bin" / "uv"
    return os.environ.get("UV") or shutil.which("uv") or str(cache)


def build(name: str, folder: Path) -> Path:
    """Build the wheel of a folder of wheels/. Nothing is downloaded: uv contains the build backend (docs/facts.md L250)."""
    project = stage(ROOT / "wheels" / name, folder / "build")
    subprocess.run([uv(), "build", "--wheel", "--offline", "--quiet", "--out-dir", folder / "dist", project], check=True)
    [wheel] = (folder / "dist").glob(f"{name.replace('-', '_')}-*.whl")
    return wheel
