"""The sources of an answer, from `groundingMetadata` and `urlContextMetadata` (docs/facts.md G70, G71). Pure.

Everything in them comes from web pages: addresses are held to http and https, and number and length of everything have a bound.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from agent.gemini.messages import Json, Received
from agent.gemini.model_events import Source, Sources, Support

MOST_SOURCES = 20
MOST_SUPPORTS = 30
MOST_QUERIES = 10
LONGEST_URL = 2000
"""Characters. A longer address is left out, since a part of it leads elsewhere."""
LONGEST_TITLE = 200
LONGEST_QUERY = 200
LONGEST_PASSAGE = 300
LONGEST_ENTRY_POINT = 16_000
"""Characters of HTML. Longer HTML is left out, since a part of it may show anything."""
_KINDS = ("web", "maps", "retrievedContext")
"""Kinds of `groundingChunks` that have a `uri` and a `title`."""
_RETRIEVED = "URL_RETRIEVAL_STATUS_SUCCESS"


class Grounding:
    """Gathers the sources of one turn from its messages; a page that is named twice is one source."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._supports: list[Support] = []
        self._queries: dict[str, None] = {}
        self._entry_point = ""

    def read(self, received: Received, content: Json) -> None:
        """The sources in the `serverContent` of a message. What has another form than documented becomes unreadable."""
        if (metadata := received.take(content, "groundingMetadata", dict)) is not None:
            self._read_metadata(received, metadata)
        pages = received.take(content, "urlContextMetadata", dict) or {}
        for page in _objects(received, pages, "urlMetadata"):
            if received.take(page, "urlRetrievalStatus", str) == _RETRIEVED:
                self._position(received.take(page, "retrievedUrl", str) or "", "")

    def take(self) -> Sources | None:
        """The sources of the turn, which is over. None: it has none."""
        found = Sources(tuple(self._sources.values()), tuple(self._supports), tuple(self._queries), self._entry_point)
        self._sources, self._supports, self._queries, self._entry_point = {}, [], {}, ""
        return found if found != Sources() else None

    def _read_metadata(self, received: Received, metadata: Json) -> None:
        chunks = _items(received, metadata, "groundingChunks")
        positions = [self._read_chunk(received, chunk) for chunk in chunks]
        for support in _objects(received, metadata, "groundingSupports"):
            self._read_support(received, support, positions)
        for query in _items(received, metadata, "webSearchQueries"):
            if received.is_readable("webSearchQueries", isinstance(query, str)) and len(self._queries) < MOST_QUERIES:
                self._queries[_line(str(query), LONGEST_QUERY)] = None
        self._queries.pop("", None)
        entry_point = received.take(metadata, "searchEntryPoint", dict) or {}
        html = received.take(entry_point, "renderedContent", str) or ""
        self._entry_point = html if 0 < len(html) <= LONGEST_ENTRY_POINT else self._entry_point

    def _read_chunk(self, received: Received, chunk: object) -> int | None:
        """The position of a chunk's source. None: there is none that can be linked to."""
        if not received.is_readable("groundingChunks", isinstance(chunk, dict)):
            return None
        assert isinstance(chunk, dict)
        for kind in _KINDS:
            if (page := received.take(chunk, kind, dict)) is not None:
                title = received.take(page, "title", str) or received.take(page, "domain", str) or ""
                return self._position(received.take(page, "uri", str) or "", title)
        return None

    def _read_support(self, received: Received, support: Json, positions: list[int | None]) -> None:
        segment = received.take(support, "segment", dict) or {}
        text = _line(received.take(segment, "text", str) or "", LONGEST_PASSAGE)
        based_on: dict[int, None] = {}
        for index in _items(received, support, "groundingChunkIndices"):
            is_index = isinstance(index, int) and 0 <= index < len(positions)
            if received.is_readable("groundingChunkIndices", is_index):
                assert isinstance(index, int)
                based_on |= {position: None for position in positions[index : index + 1] if position is not None}
        if text and based_on and len(self._supports) < MOST_SUPPORTS:
            self._supports.append(Support(text, tuple(based_on)))

    def _position(self, url: str, title: str) -> int | None:
        """The position of a page among the sources, where it is put unless it is there."""
        if url not in self._sources:
            if len(self._sources) == MOST_SOURCES or not is_link(url):
                return None
            self._sources[url] = Source(url, _line(title, LONGEST_TITLE))
        return list(self._sources).index(url)


def is_link(url: str) -> bool:
    """Whether an address is a whole one of a web page, and short enough to be passed on."""
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _line(text: str, longest: int) -> str:
    """A text in one line."""
    return " ".join(text[: 4 * longest].split())[:longest]


def _items(received: Received, holder: Json, name: str) -> list[object]:
    return received.take(holder, name, list) or []


def _objects(received: Received, holder: Json, name: str) -> Iterator[Json]:
    for item in _items(received, holder, name):
        if received.is_readable(name, isinstance(item, dict)):
            assert isinstance(item, dict)
            yield item
