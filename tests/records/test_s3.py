"""Recorded calls in S3-compatible storage: moto's server, which is a program of its own.

It is no package of the lock: `pip install 'moto[server]'` in an environment of its own brings it.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from agent.settings import read_settings
from agent.worker.finished_records import finish_records
from agent.worker.record_metrics import RecordMetrics
from demo.parts import Program, running
from records.call_folder import OPUS, SUMMARY, TIMELINE
from records.errors import UploadError
from records.s3_address import s3_address
from tests.e2e.stack import listens
from tests.ports import free_port
from tests.records.test_uploading import OVER, record

MOTO = shutil.which("moto_server")
HAS_OBSTORE = find_spec("obstore") is not None
IS_MISSED = not (MOTO and HAS_OBSTORE) and os.environ.get("CI") != "true"
pytestmark = [pytest.mark.long, pytest.mark.skipif(IS_MISSED, reason="there is no moto_server on PATH, or no obstore")]

KEY, SECRET = "a-key-id", "a-secret-key"


@asynccontextmanager
async def moto(port: int) -> AsyncIterator[str]:
    """The server, with a bucket; it forgets everything when it ends."""
    url = f"http://127.0.0.1:{port}"
    program = Program("moto", [str(MOTO), "-H", "127.0.0.1", "-p", str(port)], None, re.compile("Running on"))
    async with running(program) as part:
        await part.ready()
        await listens(port)
        async with aiohttp.ClientSession() as http, http.put(f"{url}/calls") as made:
            assert made.status == 200
        yield url


async def stored(url: str) -> dict[str, int]:
    """The sizes of what the bucket has, by name."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/calls?list-type=2") as answer:
        text = await answer.text()
    found = re.findall(r"<Key>([^<]+)</Key>.*?<Size>(\d+)</Size>", text, re.DOTALL)
    return {name: int(size) for name, size in found}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")


async def test_a_call_is_uploaded_when_the_storage_is_back_and_then_deleted_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker finds no storage, and another one does later."""
    folder, port = record(tmp_path / "calls", OVER, "caller_left"), free_port()
    url = f"http://127.0.0.1:{port}"
    given = {"RECORD_DIR": str(tmp_path / "calls"), "RECORD_S3": "s3://calls/earshot", "RECORD_S3_ENDPOINT": url}
    for name, value in {**given, "RECORD_S3_DELETE": "on", "RECORD_FORMAT": "opus", "GOOGLE_API_KEY": "key"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    registry = CollectorRegistry()
    metrics = RecordMetrics(registry)
    await finish_records(read_settings(env_file=None), moments(1), metrics)
    assert registry.get_sample_value("earshot_recording_finishes_total", {"result": "failed"}) == 1
    assert registry.get_sample_value("earshot_recordings_waiting") == 1
    assert [record.levelname for record in caplog.records if record.name == "earshot.worker"] == ["WARNING"]
    assert KEY not in caplog.text
    names = (OPUS, TIMELINE, SUMMARY)
    sizes = {f"earshot/{OVER}/{name}": (folder.path / name).stat().st_size for name in names}
    async with moto(port) as url:
        await finish_records(read_settings(env_file=None), moments(3), metrics)
        assert await stored(url) == sizes
    assert not folder.path.exists()
    assert registry.get_sample_value("earshot_recording_finishes_total", {"result": "done"}) == 1
    assert registry.get_sample_value("earshot_recordings_waiting") == 0


async def moments(count: int) -> AsyncIterator[None]:
    for _ in range(count):
        yield None


async def test_a_bucket_that_is_not_there_is_said() -> None:
    from records.s3 import open_s3  # noqa: PLC0415  obstore may not be installed

    async with moto(free_port()) as url:
        storage = open_s3(s3_address("s3://others", url))
        with pytest.raises(UploadError, match="no such bucket"):
            storage.upload(Path(__file__), "x")
