# SPDX-License-Identifier: Apache-2.0
"""Signs of known failures in blocks of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat.failures.catalogue import failures
from imagebuild.doctor.scan import Hit, begins_record, scan

PIECES = [phrase.example for entry in failures() for phrase in entry.patterns] + \
    [operation for entry in failures() for operation in entry.operations] + \
    ["0xc0370106", "(0x5b4)", "-1070137082", "3224830214", "\n", " failed in Win32: ", "\x1b[31m", "\\\"", "\0", "é"]


def signs(text: str) -> list[tuple[int, str, str, str]]:
    return [(hit.match.line, hit.failure.id if hit.failure else "", hit.match.way, hit.match.what)
            for hit in scan(text.encode())]


@given(st.binary(max_size=2000))
def test_any_bytes_are_scanned(data: bytes) -> None:
    scan(data)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=10), max_size=30))
def test_any_mixture_of_signs_is_scanned_and_lines_are_counted(pieces: list[str]) -> None:
    text = "".join(pieces)
    for hit in scan(text.encode("utf-8", "replace"), 10):
        assert 10 <= hit.match.line <= 10 + text.count("\n")
        assert hit.match.what
        assert len(hit.match.text) <= 240


def test_signs_come_in_the_order_of_their_lines() -> None:
    text = "\n".join(["x", "unknown blob", "", "No hypervisor is present on this system. (0xc0351000)", "open "
                      "//./pipe/docker_engine: Access is denied."])
    assert signs(text) == [(2, "unknown-blob", "engine", "unknown blob"), (4, "no-hypervisor", "code", "0xc0351000"),
                           (4, "no-hypervisor", "windows", "No hypervisor is present on this system"),
                           (5, "pipe-denied", "engine", "open //./pipe/docker_engine: Access is denied")]


@pytest.mark.parametrize("text", [
    "hcsshim::PrepareLayer failed in Win32: (0x5b4)", "PrepareLayer: HRESULT 0x800705b4", "PrepareLayer error: 0x5b4",
    "hcsshim::PrepareLayer failed in Win32: texto\n   que continua (0x5b4)", "PREPARELAYER code 0x5B4",
])
def test_a_generic_code_counts_with_its_operation(text: str) -> None:
    assert (1, "preparelayer-timeout", "code") in [sign[:3] for sign in signs(text)]


@pytest.mark.parametrize("text", [
    "(0x5b4)", "0x800705b4", "preparelayer flags 0x5b4", "PrepareLayer failed in Win32:\n\n(0x5b4)",
    "PrepareLayer failed in Win32:\n[warn] it took (0x5b4)", "PrepareLayer failed in Win32:\na\nb\nc\nd\n(0x5b4)",
    "PrepareLayer was called\nand something else failed (0x5b4)",
])
def test_and_not_without(text: str) -> None:
    assert ("preparelayer-timeout", "code") not in [sign[1:3] for sign in signs(text)]


@pytest.mark.parametrize("code", ["0x5af", "0x569", "0x5aa"])
def test_some_codes_of_win32_are_enough_alone_where_they_are_a_result(code: str) -> None:
    assert len(signs(f"({code})")) == len(signs(f"0x80070{code[2:]}")) == 1
    assert signs(f"(0x1) at offset {code}, error {code}") == []


def test_an_operation_that_failed_is_a_sign_where_nothing_better_is() -> None:
    text = "hcsshim::ImportLayer failed in Win32: O sistema nao pode encontrar o caminho."
    assert (1, "importlayer", "engine", "ImportLayer failed in Win32") in signs(text)
    text = "hcsshim::PrepareLayer failed in Win32: texto"
    assert [sign[1:3] for sign in signs(text)] == [
        ("preparelayer-timeout", "operation"), ("preparelayer-function", "operation"),
        ("preparelayer-param", "operation")]
    assert signs("hcsshim::PrepareLayer - succeeded") == []
    text = "hcsshim::PrepareLayer failed in Win32: Incorrect function. (0x1)"
    assert {sign[1] for sign in signs(text)} == {"preparelayer-function"}


def test_terminal_colours_and_escaped_quotes_are_no_obstacle() -> None:
    text = 'msg="\x1b[31mimage operating\x1b[0m  system \\"windows\\" cannot be used on this platform"'
    assert [sign[1] for sign in signs(text)] == ["image-os-not-usable"]


def test_a_code_with_a_name_and_no_entry_is_named() -> None:
    hits: list[Hit] = scan(b"failed: 0xc0370111")
    assert [(hit.failure, hit.code) for hit in hits] == [(None, 0x80370111)]
    assert scan(b"failed: 0x80999999") == []


def test_what_stands_on_several_lines_is_read_as_far_as_it_needs() -> None:
    text = "Client:\n OS/Arch:      windows/amd64\n\nServer:\n" + " x\n" * 5 + " OS/Arch:      linux/amd64\n"
    assert [sign[:2] for sign in signs(text)] == [(2, "toolbox-linux-server")]
    far = "Client:\n OS/Arch:      windows/amd64\n\nServer:\n" + " x\n" * 30 + " OS/Arch:      linux/amd64\n"
    assert signs(far) == []


def test_a_sign_in_a_line_of_a_megabyte_is_found_and_shown_short() -> None:
    text = "x" * 100_000 + " docker: unknown blob. " + "y" * 20_000
    (sign,) = scan(text.encode())
    assert "unknown blob" in sign.match.text
    assert len(sign.match.text) < 300


@pytest.mark.parametrize(("line", "begins"), [
    ("", True), ("2026-11-24 10:00", True), ('time="x"', True), ("[14:36:00.413][Linux] x", True), ("$ docker", True),
    ("PS C:\\> docker", True), ("Nov 24 10:00:00 host", True), ("E1124 10:00", True), ('{"level"', True),
    ("ERROR: x", True), ("file specified.", False), ("  (0x5b4)", False), ("die Datei nicht finden.", False),
])
def test_a_record_is_told_from_what_goes_on(line: str, begins: bool) -> None:
    assert begins_record(line) is begins
