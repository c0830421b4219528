"""`make shape`: figures about the form of the code, above all of the link's core. `TREE=` names another working tree."""

import ast
import itertools
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    *("agent", "caller", "configuration", "demo", "emulator", "examples", "speech", "telephony", "testing", "tickets"),
    "token_server",
)
GEMINI = Path("agent/gemini")
CORE_BEGINS_AT = ("core.py", "handover.py")
"""The core is the first of these that exists, and all that it imports from agent/gemini/, but for what is listed next."""
NOT_CORE = {"__init__.py", "capabilities.py", "events.py", "json_text.py", "messages.py", "news.py", "wire.py"}
"""The table of models, the words for events, and the format of what goes over the wire."""
TIME = re.compile(r"(^|_)(at|since|until|deadline)$")
LEANING = re.compile(
    r"\.\.\.|…|(What(ever)?|Who(m|se|ever)?|Which|Where|When|Why|How|The same|It|They|This|That|There|Then|So|Such)\b"
)
"""A docstring that begins so can seldom be read without what stands around it."""
CONTAINERS = {"list", "dict", "set", "deque", "Counter", "defaultdict", "field"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def core(root: Path) -> list[Path]:
    """The modules of the link's core."""
    begin = next(root / GEMINI / name for name in CORE_BEGINS_AT if (root / GEMINI / name).exists())
    found, todo = {begin}, [begin]
    while todo:
        for node in ast.walk(tree(todo.pop())):
            if isinstance(node, ast.ImportFrom):
                base = root / (node.module or "").replace(".", "/")
                names = [base / f"{alias.name}.py" for alias in node.names]
                for path in (base.with_suffix(".py"), base / "__init__.py", *names):
                    inside = path.exists() and path.is_relative_to(root / GEMINI) and path not in found
                    if inside and path.relative_to(root / GEMINI).as_posix() not in NOT_CORE:
                        found.add(path)
                        todo.append(path)
    return sorted(found)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def writes(node: ast.AST) -> Iterator[tuple[ast.Attribute, ast.expr | None]]:
    """Each attribute that is assigned to, with the value if it has one of its own."""
    for each in ast.walk(node):
        match each:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    pairs: list[tuple[ast.expr, ast.expr | None]] = [(target, value)]
                    if isinstance(target, ast.Tuple):
                        values = value.elts if isinstance(value, ast.Tuple) else itertools.repeat(None)
                        pairs = list(zip(target.elts, values, strict=False))
                    yield from ((to, what) for to, what in pairs if isinstance(to, ast.Attribute))
            case (
                ast.AnnAssign(target=ast.Attribute() as target, value=value)
                | ast.AugAssign(target=ast.Attribute() as target, value=value)
            ):
                yield target, value


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def is_time(value: ast.expr | None) -> bool:
    """The value is `now`, or some time after it."""
    match value:
        case ast.Name(id=name):
            return name == "now"
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return is_time(left) or is_time(right)
        case ast.IfExp(body=body, orelse=other):
            return is_time(body) or is_time(other)
    return False


def is_container(value: ast.expr | None) -> bool:
    called = value.func if isinstance(value, ast.Call) else None
    by_call = called is not None and ast.unparse(called).rpartition(".")[2] in CONTAINERS
    return by_call or isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


class Attributes:
    """Attributes of the classes in some modules, each named `Class.attribute`."""

    def __init__(self, modules: list[Path]) -> None:
        self.all: set[str] = set()
        self.mutable: set[str] = set()
        self.times: set[str] = set()
        self.booleans: set[str] = set()
        others = {to.attr for path in modules for to, _ in writes(tree(path)) if not is_self(to.value)}
        for path in modules:
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.ClassDef) and not any("Enum" in ast.unparse(base) for base in node.bases):
                    self._look_at(node, others)

    def _look_at(self, cls: ast.ClassDef, others: set[str]) -> None:
        frozen = any("frozen=True" in ast.unparse(decorator) for decorator in cls.decorator_list)
        for each in cls.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                changes = not frozen and (each.target.id in others or is_container(each.value))
                self._add(cls, each.target.id, each.value, changes=changes, kind=ast.unparse(each.annotation))
            if isinstance(each, Function):
                for to, value in writes(each):
                    if is_self(to.value):
                        changes = each.name != "__init__" or is_container(value) or to.attr in others
                        self._add(cls, to.attr, value, changes=changes, kind="")

    def _add(self, cls: ast.ClassDef, name: str, value: ast.expr | None, *, changes: bool, kind: str) -> None:
        """Note an attribute. `kind`: its annotation, if it is known."""
        full = f"{cls.name}.{name}"
        is_bool = kind == "bool" or (isinstance(value, ast.Constant) and isinstance(value.value, bool))
        self.all.add(full)
        self.mutable |= {full} if changes else set()
        self.times |= {full} if (TIME.search(name) or is_time(value)) and kind in {"", "float", "float | None"} else set()
        self.booleans |= {full} if is_bool else set()


def foreign_writes(path: Path) -> list[str]:
    """Writes to an attribute of an object whose class is another module's."""
    own = {name.rpartition(".")[2] for name in Attributes([path]).all}
    found = [to for to, _ in writes(tree(path)) if not is_self(to.value)]
    return [f"{path.name}:{to.lineno} {ast.unparse(to)}" for to in found if to.attr not in own or "." in ast.unparse(to.value)]


def reaches(path: Path) -> int:
    """How often something is asked of an object that is two levels or more away: `self.a.b.c`."""
    chains = [ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)]
    return sum(bool(re.fullmatch(r"self(\.\w+){3}", chain)) for chain in chains)


def docstrings(path: Path) -> Iterator[tuple[bool, str]]:
    """Each docstring of a module, and whether it is a module's, a class's or a function's; else it is an attribute's."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            for number, each in enumerate(node.body):
                if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
                    yield number == 0, each.value.value


def sizes(paths: list[Path]) -> str:
    lengths = [len(path.read_text().splitlines()) for path in paths]
    functions = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, Function)
    ]
    p95 = sorted(functions)[int(0.95 * len(functions))]
    return (
        f"modules {statistics.median(lengths):.0f} lines (median), {max(lengths)} (longest); "
        f"functions {statistics.median(functions):.0f} (median), {p95} (p95), {max(functions)} (longest)"
    )


def of_core(root: Path) -> Iterator[str]:
    modules = core(root)
    found, with_edge = Attributes(modules), [*modules, root / GEMINI / "link.py"]
    classes = {name.partition(".")[0] for name in found.mutable}
    states = Counter(path.name for path in modules for line in path.read_text().splitlines() if re.search(r"\bState\.", line))
    foreign = [line for path in with_edge for line in foreign_writes(path)]
    yield f"files, lines            {len(modules)}, {sum(len(path.read_text().splitlines()) for path in modules)}"
    yield f"attributes              {len(found.all)}, of which {len(found.mutable)} change, in {len(classes)} classes"
    yield f"times                   {len(found.times)}, of which {len(found.times & found.mutable)} change"
    yield f"booleans                {len(found.booleans)}, of which {len(found.booleans & found.mutable)} change"
    yield f"lines with `State.`     {sum(states.values())} in {len(states)} files"
    yield f"foreign writes          {len(foreign)}  {'; '.join(foreign)}".rstrip()
    yield f"reaches of two levels   {sum(map(reaches, with_edge))}"
    yield f"sizes                   {sizes(modules)}"
    yield f"modules                 {' '.join(path.relative_to(root / GEMINI).as_posix() for path in modules)}"


def of_all(root: Path) -> Iterator[str]:
    everything = {package: sorted((root / package).rglob("*.py")) for package in PACKAGES}
    paths = [path for package in everything.values() for path in package]
    said = [each for path in paths for each in docstrings(path)]
    yield f"files, lines            {len(paths)}, {sum(len(path.read_text().splitlines()) for path in paths)}"
    yield f"sizes                   {sizes(paths)}"
    for title, wanted in (("docstrings", True), ("  of attributes", False)):
        texts = [text for is_definition, text in said if is_definition is wanted]
        leaning = sum(LEANING.match(text) is not None for text in texts)
        yield f"{title:23} {len(texts)}, of which {leaning} begin with a relative, a pronoun or an ellipsis"
    for package, inside in everything.items():
        names = Counter(node.name for path in inside for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef))
        twice = [f"{name} {count}" for name, count in names.most_common() if count > 1]
        if twice:
            yield f"class names, twice      {package}: {', '.join(twice)}"


def of_sound(root: Path) -> Iterator[str]:
    """What ARCHITECTURE.md says; tests/agent/gemini/test_sound_path.py holds it to a trace."""
    text = (root / "ARCHITECTURE.md").read_text() if (root / "ARCHITECTURE.md").exists() else ""
    for way, block in re.findall(r"<!-- sound, (in|out) -->\s+```\n(.*?)```", text, re.DOTALL):
        calls = re.findall(r"^(\S+\.py) +(\S.*)$", block, re.MULTILINE)
        functions = [name for _, names in calls for name in names.split(", ")]
        yield f"a frame on its way {way:4} {len(set(functions))} functions in {len({path for path, _ in calls})} files"


def main() -> None:
    """Print everything."""
    root = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent
    for title, lines in {"The link's core": of_core, "Path of sound": of_sound, "The product": of_all}.items():
        print(f"{title}:", *(f"  {line}" for line in lines(root)), sep="\n")  # noqa: T201 - a program


if __name__ == "__main__":
    main()
