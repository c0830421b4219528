"""A pytest plugin that gives google-genai's own live tests a client for the emulator, in the place of their conftest.

As shipped, the suite skips without `--mode=api`, and with it dials Google. `EMULATOR_URL` and `EMULATOR_CA` say where
the emulator is.
"""

import os
import ssl
from collections.abc import Iterator

import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mode", default="api", help="what the suite asks for before it runs at all")


@pytest.fixture
def client(use_vertex: bool) -> Iterator[genai.Client]:
    """Google's stock client, for the Developer API or for Vertex as the test says."""
    tls = ssl.create_default_context(cafile=os.environ["EMULATOR_CA"])
    options = types.HttpOptions(
        base_url=os.environ["EMULATOR_URL"], async_client_args={"ssl": tls, "verify": tls}, client_args={"verify": tls}
    )
    if use_vertex:
        made = genai.Client(
            enterprise=True,
            project="emulator",
            location="us-central1",
            credentials=Credentials(token="any"),  # type: ignore[no-untyped-call]
            http_options=options,
        )
    else:
        options.api_version = "v1beta"  # the SDK's own default, v1, has no Live models
        made = genai.Client(api_key="any", http_options=options)
    yield made
    made.close()
