"""The tables of a soak, as Markdown. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from agent.gemini import Cause, Kind
from tests.soak.account import Book
from tests.soak.calls import SoakedCalls
from tests.soak.footprint import Sample, slope, typical
from tests.soak.links import SoakedLinks


def links_report(soaked: SoakedLinks) -> str:
    """What happened, what it cost, what came of it."""
    plan, settled = soaked.plan, soaked.settled()
    figures = [
        ("links, minutes, seed", f"{plan.links}, {plan.seconds / 60:g}, {plan.seed}"),
        *_conversations(soaked.books),
        ("private memory, MB, first and last third", _two(settled, lambda each: each.memory_mb)),
        ("its slope, KB per link and minute", f"{1024 * slope(settled, lambda each: each.memory_mb) / plan.links:.1f}"),
        ("objects more per link and minute", f"{slope(settled, lambda each: each.objects) / plan.links:.0f}"),
        ("tasks, first and last third", _two(settled, lambda each: each.tasks)),
        ("file descriptors, first and last third", _two(settled, lambda each: each.files)),
        ("lateness of the microphones, ms", spread([1000 * each for each in soaked.lags_s])),
    ]
    parts = [table(("", ""), figures), _events(soaked.books), _faults(soaked.asked, soaked.happened)]
    if soaked.logged:
        parts.append(table(("log", "message", "times"), [(*key, str(count)) for key, count in soaked.logged.most_common()]))
    return "\n\n".join(parts)


def calls_report(soaked: SoakedCalls) -> str:
    """The same of calls, with each process of the worker."""
    plan = soaked.plan
    figures = [
        ("calls, minutes, seed", f"{plan.calls}, {plan.seconds / 60:g}, {plan.seed}"),
        *_conversations(soaked.books),
        ("recorded: calls, minutes of sound, lines of transcripts, MB", soaked.recorded),
    ]
    processes = []
    for pid, footprint in soaked.footprints.items():
        settled = soaked.settled(footprint)
        memory, files = (_two(settled, of) for of in (lambda each: each.memory_mb, lambda each: each.files))
        processes.append((str(pid), memory, f"{1024 * slope(settled, lambda each: each.memory_mb):.0f}", files))
    head = (
        "process",
        "private memory, MB, first and last third",
        "slope, KB a minute",
        "file descriptors, first and last third",
    )
    parts = [table(("", ""), figures), _events(soaked.books), _faults(soaked.asked, soaked.happened), table(head, processes)]
    return "\n\n".join(parts)


def _conversations(books: Sequence[Book]) -> list[tuple[str, str]]:
    return [
        ("questions asked", _counted(sum((book.asked for book in books), Counter[str]()))),
        ("answered to the end", _counted(sum((book.answered for book in books), Counter[str]()))),
        ("talked over by the caller", str(sum(book.interrupted for book in books))),
        ("answers with two ends", str(sum(book.twice for book in books))),
        ("question to the answer's last words, s", spread([each for book in books for each in book.waits_s])),
        ("silence at a loss or handover, ms", spread([each for book in books for each in book.gaps_ms])),
    ]


def _events(books: Sequence[Book]) -> str:
    events = sum((book.events for book in books), Counter[tuple[Kind, Cause]]())
    return table(("kind", "cause", "times"), [(*key, str(count)) for key, count in sorted(events.items())])


def _faults(asked: Counter[str], happened: Counter[str]) -> str:
    rows = [(name, str(count), str(happened[name])) for name, count in sorted(asked.items())]
    return table(("fault", "asked for", "happened"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float]) -> str:
    """Median, 99th percentile and the most."""
    if not values:
        return "-"
    return f"median {np.median(values):.1f}, p99 {np.percentile(values, 99):.1f}, most {max(values):.1f}"


def _counted(counts: Counter[str]) -> str:
    return f"{counts.total()} ({', '.join(f'{count} {name}' for name, count in sorted(counts.items()))})"


def _two(samples: list[Sample], of: Callable[[Sample], float]) -> str:
    return "-" if not samples else "{:.1f}, {:.1f}".format(*typical(samples, of))
