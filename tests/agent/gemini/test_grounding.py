"""The sources of an answer are read from what the service says of them, field by field, and nothing of it is trusted."""

import json
from typing import Any

import pytest

from agent.gemini import messages
from agent.gemini.grounding import (
    LONGEST_ENTRY_POINT,
    LONGEST_TITLE,
    LONGEST_URL,
    MOST_QUERIES,
    MOST_SOURCES,
    MOST_SUPPORTS,
    Grounding,
    is_link,
)
from agent.gemini.messages import Received
from agent.gemini.model_events import Source, Sources, Support

WEATHER = {"web": {"uri": "https://weather.example/rome", "title": "Rome today", "domain": "weather.example"}}
NEWS = {"web": {"uri": "http://news.example/", "domain": "news.example"}}
METADATA: dict[str, Any] = {
    "webSearchQueries": ["weather in Rome"],
    "groundingChunks": [WEATHER, NEWS],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 12, "text": "It is sunny."}, "groundingChunkIndices": [1, 0, 1]},
    ],
    "searchEntryPoint": {"renderedContent": "<div>weather in Rome</div>"},
}


def received(**content: Any) -> Received:
    return messages.read(json.dumps({"serverContent": content}).encode())


def read(*contents: dict[str, Any]) -> tuple[Sources | None, list[str]]:
    """The sources of a turn of these messages, and what of them was unreadable."""
    grounding, unreadable = Grounding(), []
    for content in contents:
        message = received(**content)
        grounding.read(message, message.raw["serverContent"])
        unreadable += message.unreadable
    return grounding.take(), unreadable


def grounded(**metadata: Any) -> tuple[Sources | None, list[str]]:
    return read({"groundingMetadata": metadata})


def test_a_search_is_read_whole() -> None:
    found, unreadable = grounded(**METADATA)
    assert unreadable == []
    assert found == Sources(
        (Source("https://weather.example/rome", "Rome today"), Source("http://news.example/", "news.example")),
        (Support("It is sunny.", (1, 0)),),
        ("weather in Rome",),
        "<div>weather in Rome</div>",
    )


def test_the_sources_of_one_turn_are_told_together_and_once() -> None:
    """A page that several messages name is one source, and passages point to where it stands."""
    again = {
        "groundingChunks": [NEWS, {"web": {"uri": "https://third.example/"}}, WEATHER],
        "groundingSupports": [{"segment": {"text": "It will rain."}, "groundingChunkIndices": [2, 1]}],
        "webSearchQueries": ["weather in Rome", "rain in Rome"],
    }
    found, _ = read({"groundingMetadata": METADATA}, {"groundingMetadata": again})
    assert found is not None
    assert [source.url for source in found.sources] == [
        "https://weather.example/rome",
        "http://news.example/",
        "https://third.example/",
    ]
    assert found.supports[1] == Support("It will rain.", (0, 2))
    assert found.queries == ("weather in Rome", "rain in Rome")


def test_a_turn_leaves_nothing_to_the_next() -> None:
    grounding, message = Grounding(), received(groundingMetadata=METADATA)
    grounding.read(message, message.raw["serverContent"])
    assert grounding.take() is not None
    assert grounding.take() is None


@pytest.mark.parametrize("content", [{}, {"groundingMetadata": {}}, {"groundingMetadata": None}, {"urlContextMetadata": {}}])
def test_a_turn_without_sources_has_none(content: dict[str, Any]) -> None:
    """Vertex says `{}` at the end of each turn."""
    assert read(content) == (None, [])


def test_pages_that_the_model_has_read_are_sources() -> None:
    pages = [
        {"retrievedUrl": "https://read.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://paid.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"},
        {"retrievedUrl": "https://unsafe.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_UNSAFE"},
        {"retrievedUrl": "javascript:alert(1)", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
    ]
    assert read({"urlContextMetadata": {"urlMetadata": pages}}) == (Sources((Source("https://read.example/"),)), [])


@pytest.mark.parametrize("kind", ["maps", "retrievedContext"])
def test_other_kinds_of_chunks_with_an_address_are_sources(kind: str) -> None:
    found, _ = grounded(groundingChunks=[{kind: {"uri": "https://maps.example/1", "title": "A place"}}])
    assert found == Sources((Source("https://maps.example/1", "A place"),))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "gs://bucket/file",
        "//evil.example/",
        "https://",
        "https:///path",
        "https://[::1",
        "https://google.com@evil.example/",
        "https://evil.example/\N{RIGHT-TO-LEFT OVERRIDE}",
        "https://evil.example/a b",
        "https://evil.example/" + "a" * LONGEST_URL,
        "",
    ],
)
def test_only_whole_addresses_of_web_pages_are_sources(url: str) -> None:
    assert not is_link(url)
    support = {"segment": {"text": "So they say."}, "groundingChunkIndices": [0]}
    chunks = [{"web": {"uri": url, "title": "Click me"}}]
    assert grounded(groundingChunks=chunks, groundingSupports=[support]) == (None, [])


def test_number_and_length_of_everything_have_a_bound() -> None:
    found, _ = grounded(
        groundingChunks=[{"web": {"uri": f"https://a.example/{number}", "title": "a b\n" * 1000}} for number in range(500)],
        groundingSupports=[{"segment": {"text": "a" * 9000}, "groundingChunkIndices": list(range(500))}] * 500,
        webSearchQueries=["\n", *(f"{number} " + "b" * 9000 for number in range(500))],
        searchEntryPoint={"renderedContent": "c" * (LONGEST_ENTRY_POINT + 1)},
    )
    assert found is not None
    assert len(found.sources) == MOST_SOURCES
    assert {len(source.title) for source in found.sources} <= {LONGEST_TITLE, LONGEST_TITLE - 1}
    assert not any("\n" in source.title for source in found.sources)
    assert len(found.supports) == MOST_SUPPORTS
    assert found.supports[0].sources == tuple(range(MOST_SOURCES))
    assert MOST_QUERIES - 1 <= len(found.queries) <= MOST_QUERIES
    assert found.search_entry_point == "", "half of a page may show anything"


@pytest.mark.parametrize(
    ("changed", "unreadable"),
    [
        ({"groundingChunks": [7, WEATHER, NEWS]}, ["groundingChunks"]),
        ({"groundingChunks": [{"web": 7}, WEATHER, NEWS]}, ["web"]),
        ({"groundingChunks": [{"web": {"uri": 7}}, WEATHER, NEWS]}, ["uri"]),
        ({"webSearchQueries": [7]}, ["webSearchQueries"]),
        ({"webSearchQueries": "weather"}, ["webSearchQueries"]),
        ({"groundingSupports": [7]}, ["groundingSupports"]),
        ({"groundingSupports": [{"segment": 7}]}, ["segment"]),
        ({"groundingSupports": [{"segment": {"text": 7}}]}, ["text"]),
        (
            {"groundingSupports": [{"segment": {"text": "a"}, "groundingChunkIndices": [2, -1, "x"]}]},
            ["groundingChunkIndices"] * 3,
        ),
        ({"searchEntryPoint": 7}, ["searchEntryPoint"]),
        ({"searchEntryPoint": {"renderedContent": 7}}, ["renderedContent"]),
    ],
)
def test_a_field_of_another_form_is_skipped_alone(changed: dict[str, Any], unreadable: list[str]) -> None:
    found, named = grounded(**METADATA | changed)
    assert named == unreadable
    assert found is not None
    assert [source.title for source in found.sources] == ["Rome today", "news.example"]


def test_what_is_no_object_is_named() -> None:
    assert read({"groundingMetadata": [1], "urlContextMetadata": "x"}) == (None, ["groundingMetadata", "urlContextMetadata"])
