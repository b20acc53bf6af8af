# SPDX-License-Identifier: Apache-2.0
"""Answers of WS-Management, read: identifiers, output, limits, and faults. Hostile XML is refused."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from ...errors import FormatError, quoted
from . import names

LARGEST = 16 << 20
"""Bytes of an answer. Windows' own limit of an envelope is 500 KiB unless an administrator raised it."""
_FORBIDDEN = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CODE = re.compile(r"-?\d{1,10}")
_NUMBER = re.compile(r"\d{1,10}")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request was refused: Windows' number (0 when it says none), its sentence, SOAP's subcode."""

    code: int
    message: str
    subcode: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What a Receive brought: pieces of ``stdout`` and ``stderr`` in order, and the exit code when it ended."""

    pieces: tuple[tuple[str, bytes], ...]
    done: bool
    code: int | None


def parse(data: bytes) -> ElementTree.Element:
    """The envelope in an answer. FormatError for what is not one, and for XML with a document type or entities."""
    if len(data) > LARGEST:
        raise FormatError("the host's answer is too long", why=f"more than {LARGEST >> 20} MiB")
    # The parser is told that it is UTF-8, so a declaration cannot make other bytes of "<!DOCTYPE" than these.
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise FormatError("the host's answer is not XML", why="it is not UTF-16 either") from None
    if found := _FORBIDDEN.search(data):
        raise FormatError("the host's answer is refused", offset=found.start(), why="it declares a document type")
    try:
        root = ElementTree.fromstring(data, ElementTree.XMLParser(encoding="utf-8"))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise FormatError("the host's answer is not XML", why=str(error)[:200]) from None
    if root.tag != f"{{{names.SOAP}}}Envelope":
        raise FormatError("the host's answer is not an envelope of SOAP 1.2",
                          why=f"it begins with {quoted(root.tag[:80])}")
    return root


def fault(root: ElementTree.Element) -> Fault | None:
    """The fault in an envelope; None when it is none."""
    found = root.find(f"{{{names.SOAP}}}Body/{{{names.SOAP}}}Fault")
    if found is None:
        return None
    subcode = found.findtext(f"{{{names.SOAP}}}Code/{{{names.SOAP}}}Subcode/{{{names.SOAP}}}Value", "")
    reason = found.findtext(f"{{{names.SOAP}}}Reason/{{{names.SOAP}}}Text", "")
    said = found.find(f".//{{{names.FAULT}}}WSManFault")
    code, message = 0, ""
    if said is not None:
        code = _number(said.get("Code", ""))
        message = " ".join("".join(said.itertext()).split())
    for other in found.iter(f"{{{names.WMI_FAULT}}}error_Code"):  # MSFT_WmiError says the one that matters
        code = _number((other.text or "").strip()) or code
    return Fault(code, message or " ".join(reason.split()), subcode.rpartition(":")[2])


def shell_id(root: ElementTree.Element) -> str:
    """The identifier of a shell that was created. FormatError when there is none."""
    for selector in root.iter(f"{{{names.WSMAN}}}Selector"):
        if selector.get("Name", "").lower() == "shellid" and (text := (selector.text or "").strip()):
            return text
    for found in root.iter(f"{{{names.SHELL}}}ShellId"):
        if text := (found.text or "").strip():
            return text
    raise FormatError("the host's answer names no shell")


def command_id(root: ElementTree.Element) -> str:
    """The identifier of a command that was started. FormatError when there is none."""
    for found in root.iter(f"{{{names.SHELL}}}CommandId"):
        if text := (found.text or "").strip():
            return text
    raise FormatError("the host's answer names no command")


def output(root: ElementTree.Element) -> Output:
    """What a Receive brought. FormatError for what is not base64."""
    pieces = []
    for stream in root.iter(f"{{{names.SHELL}}}Stream"):
        name = stream.get("Name", "")
        if stream.text and name in ("stdout", "stderr"):
            try:
                pieces.append((name, base64.b64decode(stream.text)))
            except (binascii.Error, ValueError):
                raise FormatError("the host's output is not base64", source=name) from None
    state = root.find(f".//{{{names.SHELL}}}CommandState")
    done = state is not None and state.get("State", "") == names.DONE
    code = None
    if state is not None and (text := state.findtext(f"{{{names.SHELL}}}ExitCode")) is not None:
        text = text.strip()
        if not _CODE.fullmatch(text):
            raise FormatError("the host's exit code is not a number", why=quoted(text[:40]))
        code = int(text) & 0xFFFFFFFF
    return Output(tuple(pieces), done, code)


def envelope_size(root: ElementTree.Element) -> int:
    """``MaxEnvelopeSizekb`` of a configuration, in bytes; 0 when it does not say."""
    for found in root.iter():
        if found.tag.rpartition("}")[2] == "MaxEnvelopeSizekb":
            return _number((found.text or "").strip()) * 1024
    return 0


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0
