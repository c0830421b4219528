"""`python -m records`: the recorded calls in RECORD_DIR are listed, shown, measured, exported and deleted.

Exit codes: 0 done; 1 a call can't be read or deleted; 2 wrong usage, or a setting that can't be used.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from configuration import FileError, ValueMistakeError, argument_parser
from records import measured
from records.call_folder import OPUS, SOUND, SUBTITLES, TRANSCRIPT, CallFolder, folders
from records.compressing import compress_calls
from records.errors import NoRecordError, RecordsError, SettingsError
from records.finishing import alone
from records.listing import call_as_text, list_as_json, list_as_text, read_call
from records.opus import encode
from records.retention import purge
from records.s3_address import s3_address
from records.settings import RecordSettings, read_settings
from records.transcript import from_json, subtitles
from records.uploading import is_uploaded, upload_calls

DONE, FAILED, WRONG_USAGE = 0, 1, 2
_NICE = 10
_EXAMPLES = (
    "python -m records list",
    "python -m records show 20261129T073013Z-2b43623d",
    "python -m records latency 20261129T073013Z-2b43623d",
    "python -m records export 20261129T073013Z-2b43623d --to /tmp --opus",
    "python -m records purge --days 30",
)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser("python -m records", "Recorded calls.", _EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|latency|export|finish|purge")
    text = "show the calls, how long they were, and how they ended"
    command = commands.add_parser("list", help=text, description=text)
    command.add_argument("--json", action="store_true", help="for programs")
    text = "show the figures of a call, and what was said"
    command = commands.add_parser("show", help=text, description=text)
    command.add_argument("call", help="the call's name, as `list` has it")
    text = "measure the response latency and the greeting latency of a call by its sound, beside those in its summary"
    command = commands.add_parser("latency", help=text, description=text)
    command.add_argument("call", help="the call's name, as `list` has it")
    command.add_argument("--json", action="store_true", help="for programs")
    text = "copy a call's files into a folder"
    command = commands.add_parser("export", help=text, description=text)
    command.add_argument("call", help="the call's name, as `list` has it")
    command.add_argument("--to", type=Path, default=Path(), help="the folder in which its folder is made")
    command.add_argument("--opus", action="store_true", help="the sound as Opus in Ogg instead of WAV")
    text = "compress the sound of the calls that are over, and copy them into storage, as RECORD_FORMAT and RECORD_S3 say"
    commands.add_parser("finish", help=text, description=text)
    text = "delete the calls that RECORD_KEEP_DAYS and RECORD_KEEP_GB don't keep, or those that are named"
    command = commands.add_parser("purge", help=text, description=text)
    command.add_argument("calls", nargs="*", metavar="call", help="delete these alone")
    command.add_argument("--days", type=float, help="instead of RECORD_KEEP_DAYS")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return _do(arguments, read_settings())
    except (SettingsError, ValueMistakeError, FileError) as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except RecordsError as error:
        print(error, file=sys.stderr)
        return FAILED


def _do(arguments: argparse.Namespace, settings: RecordSettings) -> int:
    match arguments.command:
        case "list":
            calls = [read_call(folder) for folder in folders(settings.calls)]
            print(list_as_json(calls) if arguments.json else list_as_text(calls))
        case "show":
            print(call_as_text(_found(settings, arguments.call)))
        case "latency":
            folder = _found(settings, arguments.call)
            shown = measured.as_json if arguments.json else measured.as_text
            print(shown(measured.measure(folder), measured.summary_of(folder)))
        case "export":
            print(_export(_found(settings, arguments.call), arguments.to, as_opus=arguments.opus))
        case "finish":
            with alone(settings.calls) as is_alone:
                return _finish(settings) if is_alone else DONE
        case _:
            return _purge(settings, arguments.calls, arguments.days)
    return DONE


def _found(settings: RecordSettings, name: str) -> CallFolder:
    folder = CallFolder(settings.calls, name)
    if not folder.path.is_dir():
        raise NoRecordError(f"there is no call {name!r} in {settings.calls}; `python -m records list` shows the names")
    return folder


def _export(folder: CallFolder, parent: Path, *, as_opus: bool) -> Path:
    """Copy a call's files. The subtitles of a call that a killed process has left are made."""
    target = parent / folder.name
    try:
        target.mkdir(mode=0o700, parents=True)
        for path in folder.files():
            if not (as_opus and path.name == SOUND) and not path.name.startswith("."):
                shutil.copyfile(path, target / path.name)
        if as_opus and not (target / OPUS).exists():
            encode(folder.path / SOUND, target / OPUS)
        if (said := folder.read(TRANSCRIPT)) and not (target / SUBTITLES).exists():
            (target / SUBTITLES).write_text(subtitles(from_json(said)), encoding="utf-8")
    except OSError as error:
        raise SettingsError("--to", str(parent), f"{target} can't be made: {error.strerror}; name another folder") from error
    return target


def _finish(settings: RecordSettings) -> int:
    """Compress and upload, beside whatever else this machine has to do. The workers start this when a call is over.

    Only one process does so at a time.
    """
    os.nice(_NICE)
    failures = []
    if settings.record_format == "opus":
        done, failed = compress_calls(settings.calls, time.time())
        failures += [f"the sound of {name} can't be compressed" for name in failed]
        for name in done:
            print(f"{name}: compressed")
    if settings.record_s3 is not None:
        from records.s3 import open_s3  # noqa: PLC0415  obstore may not be installed

        storage = open_s3(s3_address(settings.record_s3, settings.record_s3_endpoint))
        found = upload_calls(settings.calls, storage, time.time(), deletes=settings.record_s3_delete == "on")
        failures += found.failures
        for name in found.done:
            print(f"{name}: in the storage")
    for failure in failures:
        print(failure, file=sys.stderr)
    return FAILED if failures else DONE


def _purge(settings: RecordSettings, names: Sequence[str], days: float | None) -> int:
    if names:
        for folder in [_found(settings, name) for name in names]:
            folder.delete()
            print(folder.name)
        return DONE
    kept = settings.retention if days is None else replace(settings.retention, days=days)
    if kept.days is None and kept.gb is None:
        fix = "say how long calls are kept, with --days or RECORD_KEEP_DAYS, or RECORD_KEEP_GB; or name the calls to delete"
        raise SettingsError("RECORD_KEEP_DAYS", None, fix)
    may_go = None if settings.record_s3 is None else is_uploaded
    deleted, failed = purge(settings.calls, kept, time.time(), may_go)
    print("\n".join(deleted) if deleted else "no call is to be deleted")
    for name in failed:
        print(f"{name} can't be deleted", file=sys.stderr)
    return FAILED if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
