"""`python -m caller`: what can't work is said before the call."""

from pathlib import Path

import pytest

from caller.__main__ import main

NOBODY = "http://127.0.0.1:9/token"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--out", "/nowhere/reply.wav"], "cannot write /nowhere/reply.wav: No such file or directory"),
        (["--wav", "/nowhere/question.wav"], "cannot read /nowhere/question.wav: No such file or directory"),
        (["--say", "Hello", "--voice", "nobody-speaks-so"], "espeak-ng has no voice named 'nobody-speaks-so'"),
        (["--barge-in-at", "1"], "--barge-in-at needs a --say, --wav or --type"),
        ([], f"no token from {NOBODY}: nothing answers there (Connection refused); is `make demo` running, "),
    ],
)
def test_one_sentence_and_exit_code_2(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--token-url", NOBODY, *argv]) == 2
    assert capsys.readouterr().err.startswith(sentence)


def test_a_refused_call_leaves_an_empty_recording_of_the_right_kind(tmp_path: Path) -> None:
    out = tmp_path / "reply.wav"
    assert main(["--token-url", NOBODY, "--out", str(out)]) == 2
    assert out.read_bytes().startswith(b"RIFF")
