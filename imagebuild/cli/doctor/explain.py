# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor explain``: what does this error mean?"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Literal

import click

from ...compat.failures.catalogue import by_code, failures, updated
from ...compat.image import ImageFacts
from ...doctor import Explanation, explain_stream
from ...doctor import explain as explain_text
from ...doctor.explain import PASTED
from ...errors import InputError, UsageError
from ...windows import status
from ...windows.facts.host import HostFacts, WindowsVersion
from ..output import print_json, print_lines, table
from .text import code_facts, code_text, explanation_facts, explanation_text

Form = Literal["text", "json"]


@click.command(short_help="Say what an error text or a log means, and what to do.")
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("-f", "--file", "file", metavar="FILE|-", type=click.Path(),
              help="Read the text or log from a file; - is standard input.")
@click.option("--host", metavar="VERSION[/ARCH]", help="The host's Windows, like 10.0.20348.2527 or 10.0.26100/arm64.")
@click.option("--image-version", "image", metavar="VERSION[/ARCH]", help="The image's os.version, in the same form.")
@click.option("--code", metavar="CODE", help="Explain one code (0xc0370106, -1070137082, 0x5b4, a name), and stop.")
@click.option("--list", "listed", is_flag=True, help="List the failures that are known, and stop.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="Text for people, JSON for programs.")
def explain(words: tuple[str, ...], file: str | None, host: str | None, image: str | None, code: str | None,
            listed: bool, form: Form) -> int:
    """Say what an error text means: the likeliest cause, why we think so, what tells it from the next one, what to do,
    and who says so. The text is what docker, containerd, kubelet or Windows printed, in any language as far as it has
    codes, or a whole log in UTF-8 or UTF-16. Without TEXT and --file, standard input is read.

    What is known of the host and the image moves the causes: one code can mean several things.

    Exit code: 1 a problem was recognised, 0 none was, 2 bad usage or a file that cannot be read. It is that way round,
    as with lint and compat, because 1 means "found something wrong": a log that says nothing known ends with 0, and a
    pipeline can ask "is there a known failure in this log?". --code and --list end with 0.

    \b
    Examples:
      wcow doctor explain 'hcsshim::PrepareLayer failed in Win32: ... (0x5b4)'
      docker run IMAGE 2>&1 | wcow doctor explain
      wcow doctor explain -f dockerd.log --host 10.0.17763.7009 --image-version 10.0.17763.7136
      wcow doctor explain --code 0xc0370106
    """
    if listed or code is not None:
        if words or file or (listed and code is not None):
            raise UsageError("--list and --code take no text", hint="give one of them, or a text")
        _list(form) if listed else _code(code or "", form)
        return 0
    if words and file:
        raise UsageError("give a text or --file, not both")
    facts = (_host(host), _image(image))
    found = explain_text(" ".join(words), *facts) if words else _read(file, facts)
    if form == "json":
        print_json(explanation_facts(found))
    else:
        print_lines(explanation_text(found))
    return 1 if found.causes else 0


def _read(file: str | None, facts: tuple[HostFacts | None, ImageFacts | None]) -> Explanation:
    """Explain a file or standard input; what is short is taken for pasted, a log is streamed."""
    if file is None and sys.stdin.isatty():
        raise UsageError("there is no text to explain", hint="'wcow doctor explain TEXT', --file FILE, or pipe it in")
    name = "standard input" if file in (None, "-") else str(file)
    with ExitStack() as stack:
        try:
            stream: BinaryIO = sys.stdin.buffer if file in (None, "-") else \
                stack.enter_context(Path(name).open("rb", buffering=0))
            head = stream.read(PASTED)
            while head and len(head) < PASTED and (more := stream.read(PASTED - len(head))):
                head += more
            if len(head) < PASTED and b"\0" not in head:
                return explain_text(head.decode("utf-8-sig", "replace"), *facts)
            return explain_stream(_Resumed(head, stream), *facts)  # type: ignore[arg-type]
        except OSError as error:
            raise InputError(f"cannot read {name}", why=error.strerror or str(error)) from error


class _Resumed:
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._rest.read(size)


def _split(text: str) -> tuple[WindowsVersion, str]:
    version, _unused, architecture = text.partition("/")
    return WindowsVersion.parse(version), {"x64": "amd64", "x86_64": "amd64", "aarch64": "arm64"}.get(
        architecture.lower(), architecture.lower())


def _host(text: str | None) -> HostFacts | None:
    if text is None:
        return None
    version, architecture = _split(text)
    return HostFacts(version, architecture=architecture, source="the command line")


def _image(text: str | None) -> ImageFacts | None:
    if text is None:
        return None
    version, architecture = _split(text)
    return ImageFacts("windows", architecture, str(version))


def _list(form: Form) -> None:
    if form == "json":
        print_json({"updated": updated().isoformat(), "failures": [entry.facts() for entry in failures()]})
        return
    rows = [(entry.id, entry.stage, " ".join(map(status.hexadecimal, entry.codes)), entry.title)
            for entry in failures()]
    print_lines(table(("FAILURE", "STAGE", "CODES", "TITLE"), rows, shrink=3))


def _code(text: str, form: Form) -> None:
    value = status.parse(text)
    if form == "json":
        print_json(code_facts(value, by_code(value)))
    else:
        print_lines(code_text(value, by_code(value)))
