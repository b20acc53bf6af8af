# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor explain`` as a user runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from imagebuild.compat.failures.catalogue import failures

if TYPE_CHECKING:
    from support.home import Home

SKEW = "hcs::System::Start: failure in a Windows system call: Afsluttede uventet. (0xc0370106)"


def test_a_known_error_ends_with_one_and_says_cause_reason_difference_cure_and_source(home: Home) -> None:
    lines = home.wcow("doctor", "explain", SKEW, code=1).out.splitlines()
    assert lines[0].endswith("[ubr-skew, possible]")
    assert lines[1] == "  seen     line 1: 0xc0370106 (the code)"
    for label in ("cause", "tell by", "look", "do", "source"):
        assert any(line.startswith(f"  {label:<8} ") for line in lines), label
    assert "  or, less likely:" in lines
    assert any(line.endswith("[arm64-amd64]") for line in lines)
    assert max(map(len, lines)) <= 120


def test_an_unknown_error_ends_with_zero_and_a_reason(home: Home) -> None:
    done = home.wcow("doctor", "explain", "Access", "is", "denied.")
    assert done.out == ("unknown, because the text has no code, operation or message that the catalogue knows\n")
    assert home.wcow("doctor", "explain", "(0xc037010d)").out.splitlines()[0].startswith(
        "0x8037010d HCS_E_INVALID_JSON: ")


def test_words_of_the_command_line_are_one_text(home: Home) -> None:
    assert home.wcow("doctor", "explain", "docker:", "unknown", "blob.", code=1).out.startswith("unknown blob: ")
    assert home.wcow("doctor", "explain", "--", "-1070137082", code=1).out.splitlines()[0].endswith(
        "[ubr-skew, possible]")


def test_standard_input_and_files_are_read(home: Home) -> None:
    data = b"one\r\ntwo\r\ndocker: unknown blob.\r\n"
    (home.folder / "log").write_bytes(data)
    (home.folder / "wide").write_bytes(data.decode().encode("utf-16"))
    (home.folder / "long").write_bytes(b"a line of a log that says nothing\n" * 9000 + data)
    for args, given in (((), data), (("-f", "-"), data), (("--file", "log"), b""), (("-f", "wide"), b"")):
        assert "seen     line 3: unknown blob" in home.wcow("doctor", "explain", *args, stdin=given, code=1).out
    assert "seen     line 9003: unknown blob" in home.wcow("doctor", "explain", "-f", "long", code=1).out
    assert home.wcow("doctor", "explain", stdin=b"").out == "unknown, because there is no text\n"


def test_facts_of_host_and_image_move_the_causes(home: Home) -> None:
    def order(*args: str) -> list[str]:
        done = home.wcow("doctor", "explain", "--format", "json", *args, SKEW, code=1)
        return [cause["id"] for cause in json.loads(done.out)["causes"]]

    assert order() == ["ubr-skew", "arm64-amd64", "start-memory"]
    assert order("--host", "10.0.26100.2894/arm64", "--image-version", "10.0.26100.3194/amd64")[0] == "arm64-amd64"
    assert order("--host", "10.0.26100.2894/x64", "--image-version", "10.0.26100.3194/x64")[0] == "ubr-skew"
    assert order("--host", "10.0.26100.3194", "--image-version", "10.0.26100.3194")[-1] == "ubr-skew"
    shown = home.wcow("doctor", "explain", "--host", "10.0.26100.2894", "--image-version", "10.0.26100.3194", SKEW,
                      code=1).out
    assert "  for it   the image's revision 10.0.26100.3194 is above the host's 10.0.26100.2894\n" in shown


def test_two_problems_are_told_apart_from_two_causes_of_one(home: Home) -> None:
    text = f"{SKEW}\n\ndocker: unknown blob.\ndocker: unknown blob.\n".encode()
    blocks = home.wcow("doctor", "explain", stdin=text, code=1).out.split("\n\n")
    assert [block.splitlines()[0].rpartition("[")[2] for block in blocks] == [
        "ubr-skew, possible]", "unknown-blob, possible]"]
    assert "line 3: unknown blob (the engine's own words); 2 lines in all, also line 4" in blocks[1]


def test_json_has_everything(home: Home) -> None:
    said = json.loads(home.wcow("doctor", "explain", "--format", "json", "a Windows version 10.0.20348-based image is "
                                "incompatible with a 10.0.17763 host", code=1).out)
    assert said["said"] == [{"kind": "image-newer-than-host", "host": "10.0.17763", "image": "10.0.20348"}]
    (cause,) = said["causes"]
    assert {"id", "title", "confidence", "matches", "evidence", "cause", "detect", "lookup", "remedy", "citations",
            "count", "ways", "score", "stage", "neighbours"} == set(cause)
    assert cause["matches"][0]["line"] == 1
    nothing = json.loads(home.wcow("doctor", "explain", "--format", "json", "hello").out)
    assert (nothing["causes"], nothing["lines"]) == ([], 1)
    assert nothing["unknown"].startswith("unknown, because ")


def test_the_list_has_every_failure(home: Home) -> None:
    lines = home.wcow("doctor", "explain", "--list").out.splitlines()
    assert lines[0].split() == ["FAILURE", "STAGE", "CODES", "TITLE"]
    assert [line.split()[0] for line in lines[1:]] == [entry.id for entry in failures()]
    listed = json.loads(home.wcow("doctor", "explain", "--list", "--format", "json").out)
    assert [entry["id"] for entry in listed["failures"]] == [entry.id for entry in failures()]


@pytest.mark.parametrize("code", ["0xc0370106", "0x80370106", "-1070137082", "3224830214", "HCS_E_UNEXPECTED_EXIT"])
def test_a_code_is_explained_in_any_form(home: Home, code: str) -> None:
    out = home.wcow("doctor", "explain", f"--code={code}").out
    assert out.startswith("0x80370106 HCS_E_UNEXPECTED_EXIT: ")
    assert "0xc0370106, " in out
    assert "[ubr-skew]" in out


def test_a_generic_code_says_that_it_says_nothing(home: Home) -> None:
    out = home.wcow("doctor", "explain", "--code", "0x5").out
    assert out.splitlines()[-1] == "  alone it says nothing: the operation that failed decides"
    assert "    with   CreateComputeSystem\n" in out
    assert home.wcow("doctor", "explain", "--code", "0x12345678").out.startswith("0x12345678: not in our tables\n")
    facts = json.loads(home.wcow("doctor", "explain", "--code", "0x5", "--format", "json").out)
    assert (facts["name"], facts["alone"]) == ("ERROR_ACCESS_DENIED", False)


@pytest.mark.parametrize(("args", "says"), [
    (("-f", "nothing.log"), "cannot read nothing.log"), (("-f", "."), "cannot read ."),
    (("--host", "5", "x"), "cannot read '5' as a Windows version"),
    (("--image-version", "10.0.x", "x"), "cannot read '10.0.x' as a Windows version"),
    (("--code", "hello"), "cannot read 'hello' as a Windows code"), (("--code", "1", "--list"), "take no text"),
    (("--list", "text"), "take no text"), (("-f", "log", "text"), "not both"), (("--format", "xml"), "'xml'"),
])
def test_bad_usage_ends_with_two(home: Home, args: tuple[str, ...], says: str) -> None:
    assert says in home.wcow("doctor", "explain", *args, code=2).err


def test_a_shell_completes_the_parts_and_their_options(home: Home) -> None:
    def completions(words: str, at: int) -> list[str]:
        done = home.wcow(_WCOW_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(at))
        return [line.partition(",")[2] for line in done.out.splitlines()]

    assert completions("wcow doct", 1) == ["doctor"]
    assert completions("wcow doctor ex", 2)[0].startswith("ex")
    assert "explain" in completions("wcow doctor ", 2)
    assert "--image-version" in completions("wcow doctor explain --i", 3)


def test_help_shows_the_parts_without_loading_them(home: Home) -> None:
    out = home.wcow("doctor", "--help").out
    assert "  explain  Say what an error text or a log means, and what to do.\n" in out
    assert home.wcow("doctor", "nothing", code=2).err.startswith("error: No such command 'nothing'")


def test_a_terminal_sees_no_control_characters_of_a_log(home: Home) -> None:
    out = home.wcow("doctor", "explain", stdin=b"\x1b]0;x\x07 docker: unknown blob. \x9b2J\x00\n", code=1).out
    assert not set(out) & {"\x1b", "\x07", "\x9b", "\0"}
