"""Files and values as people and platforms write them: taken where the meaning is clear, else one sentence."""

import codecs
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration import FileError, clean, decoded, parsed_toml, read_text, values

KEY = "NAME=wörd\nOTHER=2\n"


@pytest.mark.parametrize(
    "content",
    [
        KEY.encode(),
        codecs.BOM_UTF8 + KEY.encode(),
        codecs.BOM_UTF16_LE + KEY.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + KEY.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + KEY.encode("utf-32-le"),
        KEY.replace("\n", "\r\n").encode(),
        KEY.replace("\n", "\r").encode(),
        "export NAME = 'wörd'\nOTHER=2".encode(),
        ' NAME="wörd"  # a remark\n\n\nOTHER=2 \n'.encode(),
        "NAME=“wörd”\nOTHER=2\n".encode(),
    ],
    ids=["UTF-8", "with a mark", "PowerShell", "UTF-16 BE", "UTF-32", "Windows", "old Mac", "shell", "quotes", "curly quotes"],
)
def test_a_file_is_read_as_editors_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert values({}, tmp_path / ".env").known == {"NAME": "wörd", "OTHER": "2"}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"A=1\n# caf\xe9\n", 2, "is not UTF-8 text; save the file as UTF-8"),
        ("A=1\n".encode("utf-16-le"), 1, "is not UTF-8 text"),
        (codecs.BOM_UTF16_LE + b"A\0=\0\n\0\0\xd8", 2, "is not UTF-8 text"),
        (b'A=1\n\nB="two\n', 3, "a line must be NAME=value, with a quote at both ends of the value or at none"),
    ],
)
def test_a_mistake_in_the_file_names_the_line(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(FileError) as caught:
        values({}, tmp_path / ".env")
    assert str(caught.value).startswith(f"{tmp_path / '.env'}:{line}: {reason}")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "large").write_bytes(b"#" * (1024 * 1024 + 1))
    for name, reason in (("folder", "it is a folder"), ("link", "it is a link to 'nowhere'"), ("large", "it has more than")):
        with pytest.raises(FileError, match=reason):
            values({}, tmp_path / name)
    assert values({}, tmp_path / "none").known == {}
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none")


def test_a_file_whose_bytes_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Root may read any file's bytes, but nobody can read this one's first."""
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(FileError, match=r"it can't be read \(Input/output error\)"):
        values({}, tmp_path / ".env")


def test_the_environment_wins_and_an_empty_value_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\nC=file\n")
    read = values({"A": "env", "b": " env\r\n", "C": ' "" '}, tmp_path / ".env")
    assert read.known == {"A": "env", "B": "env", "C": "file"}
    assert (read.where("A"), read.where("C")) == ("", f" ({tmp_path / '.env'}:3)")


@pytest.mark.parametrize("around", [" {}", "{}\r\n", "\ufeff{}", "\u200b{}\u00a0", "'{}'", '"{}"\n', "“{}”", '" {} "'])
def test_what_is_only_around_a_value_goes(around: str) -> None:
    assert clean(around.format("a-secret")) == "a-secret"


@given(st.text())
def test_a_value_loses_nothing_inside(value: str) -> None:
    assert clean(value) in value
    assert clean(f"x{value}x") == f"x{value}x"


FILES = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(st.sampled_from(["A", "=", '"', "'", "\n", "\r", "${A}", "${", "#", "\\", " ", "[", "export ", "é", "\0"])).map(
        lambda parts: "".join(parts).encode()
    )
    | st.tuples(st.sampled_from([codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE]), st.binary(max_size=50)).map(
        lambda parts: parts[0] + parts[1]
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_any_bytes_are_values_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    try:
        values({}, tmp_path / ".env")
    except FileError as error:
        assert "\n" not in str(error)
    try:
        parsed_toml(decoded(content, "any.toml"), "any.toml")
    except FileError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("any.toml:")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 1\nb = ", 'a = "\x01"'])
def test_toml_that_breaks_the_parser_is_one_sentence(text: str) -> None:
    with pytest.raises(FileError):
        parsed_toml(text, "any.toml")
