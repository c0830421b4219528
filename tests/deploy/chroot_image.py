"""Builds a container file without a container engine, and runs the image in a chroot.

The base image is this machine's /usr, read-only, with this Python in /usr/local. Everything else of the root is the image's
own, so a file, a package or a permission that the container file forgets is missing here as well. Needs root, for mounts in a
namespace of their own. The network is this machine's.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from demo.parts import Program
from tests.deploy.container_file import Stage, is_ignored, read_stages

_ENTER = """
set -eu
root=$1 python=$2 user=$3 folder=$4
shift 4
mount --bind /usr "$root/usr"
mount --options remount,bind,ro "$root/usr"
mount --bind "$python" "$root/usr/local"
mount --options remount,bind,ro "$root/usr/local"
mount --bind "$python" "$root$python"
mount --options remount,bind,ro "$root$python"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
exec chroot --userspec="$user" --groups="" "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
"""
_OF_BASE = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
_FILES_OF_ETC = ("hosts", "ld.so.cache", "nsswitch.conf", "pip.conf", "resolv.conf")


@dataclass
class ChrootImage:
    """An image as a folder, with what its container file says about running it."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(_OF_BASE))
    user: str = "0:0"
    folder: str = "/"
    command: list[str] = field(default_factory=list)

    def argv(self, command: list[str]) -> list[str]:
        """The command line that runs a command inside; its environment is the caller's business."""
        enter = ["unshare", "--mount", "/bin/sh", "-c", _ENTER, "enter", str(self.root), sys.base_prefix]
        return [*enter, self.user, self.folder, *command]

    def program(self, name: str, ready: re.Pattern[str], **settings: str) -> Program:
        """The image's own command, as an engine would start it with these settings."""
        return Program(name, self.argv(self.command), {**self.environment, **settings}, ready)

    def run(self, script: str) -> None:
        """A step of the build. It gets the settings that pip needs on this machine, as build arguments.

        Raises:
            AssertionError: it failed; with the end of what it said.
        """
        settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        environment = {**self.environment, **settings}
        argv = self.argv(["/bin/sh", "-e", "-c", script])
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def build(container_file: Path, context: Path, folder: Path) -> ChrootImage:
    """Do the steps of a container file, one after the other. The image is below the folder."""
    built: dict[str, ChrootImage] = {}
    for number, stage in enumerate(read_stages(container_file)):
        image = ChrootImage(_base(folder / f"stage-{number}"))
        for step in stage.steps:
            match step.instruction:
                case "RUN":
                    image.run(step.text)
                case "COPY":
                    source = context if step.copied_from is None else built[step.copied_from].root
                    _copy(source, image, *step.copied, from_context=step.copied_from is None)
                case "WORKDIR":
                    image.folder = step.text
                    (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
                case "ENV":
                    image.environment |= Stage("", "", [step]).environment
                case "USER":
                    image.user = step.text
                case "CMD":
                    image.command = step.words
        built[stage.name] = image
    return image


def _base(root: Path) -> Path:
    """An empty root, with what every base image has."""
    for name in ("usr", "dev", "proc", "etc", "var", "root", "tmp", sys.base_prefix.lstrip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in _FILES_OF_ETC:
        if (Path("/etc") / name).exists():
            shutil.copy(Path("/etc") / name, root / "etc" / name)
    shutil.copytree("/etc/ssl", root / "etc" / "ssl", symlinks=True, ignore=shutil.ignore_patterns("private"))
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    return root


def _copy(source: Path, image: ChrootImage, names: list[str], target: str, *, from_context: bool) -> None:
    """COPY: a folder's content, or files, to a target that is a folder of that name."""
    for name in names:
        origin = source / name.lstrip("/")
        place = image.root / (Path(image.folder) / target).relative_to("/")
        if not from_context:
            subprocess.run(["cp", "--archive", "--link", origin, place], check=True)
        elif origin.is_dir():
            shutil.copytree(origin, place, ignore=lambda folder, found: {each for each in found if is_ignored(each)})
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, place / origin.name)


def size_mb(image: ChrootImage, folder: str) -> int:
    """The size of a folder of an image, in MB."""
    measured = subprocess.run(["du", "-sm", image.root / folder.lstrip("/")], capture_output=True, text=True, check=True)
    return int(shlex.split(measured.stdout)[0])
