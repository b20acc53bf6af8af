# SPDX-License-Identifier: Apache-2.0
"""A client's envelope as a value: who asks for what, of which shell, with how much time and room."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from ....errors import FormatError
from . import duration, fault, names, xml
from .fault import Fault
from .xml import Element

ENVELOPE = 500 * 1024
"""Bytes of an answer where the client names none: ``MaxEnvelopeSizekb`` of Windows is 500."""
SMALLEST = 8192
"""A client that wants smaller answers is refused, as by Windows."""
LONGEST = 60.0
"""Seconds after which an operation without output is answered: ``MaxTimeoutms`` of Windows."""


@dataclass(frozen=True, slots=True)
class Request:
    """An envelope. ``operation`` is the action in a word (:data:`.names.ACTIONS`, or ``identify``), ``shell`` and
    ``command`` are identifiers in upper case or empty, ``timeout`` is in seconds, ``room`` the bytes of an answer."""

    operation: str
    message: str = ""
    resource: str = ""
    address: str = ""
    shell: str = ""
    timeout: float = LONGEST
    room: int = ENVELOPE
    options: tuple[tuple[str, str], ...] = ()
    body: Element = field(default_factory=lambda: Element(("", "")))

    def option(self, name: str) -> str:
        """Return an option of the OptionSet, whatever the case of its name; empty if it is not there."""
        return next((value for key, value in self.options if key.lower() == name.lower()), "")

    def flag(self, name: str) -> bool:
        """Return whether an option is on."""
        return self.option(name).lower() in ("true", "1")


@dataclass(frozen=True, slots=True)
class ShellWanted:
    """The body of Create: a shell's streams, folder, environment, times in seconds (0: not said), and what PowerShell
    begins with."""

    id: str = ""
    inputs: tuple[str, ...] = ("stdin",)
    outputs: tuple[str, ...] = ("stdout", "stderr")
    folder: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    idle: float = 0.0
    creation: bytes = b""
    name: str = ""


@dataclass(frozen=True, slots=True)
class CommandWanted:
    """The body of Command: its words as they came, and PowerShell's identifier for it."""

    id: str
    command: str
    arguments: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command line: what came, with blanks between; nothing is quoted, the client has done so."""
        return " ".join((self.command, *self.arguments))


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a stream: to or from ``command`` (empty: the shell's own)."""

    stream: str
    command: str
    data: bytes
    end: bool = False


def parse(data: bytes) -> Request:
    """Return what an envelope asks; Fault for one that Windows refuses, too."""
    try:
        root = xml.parse(data)
    except FormatError as error:
        raise Fault(fault.BAD_XML, f"{error.what}: {error.why} ") from None
    if root.name != (names.SOAP, "Envelope"):
        raise Fault(fault.BAD_XML, "The root element is not a SOAP 1.2 envelope. ")
    header, body = root.find(names.SOAP, "Header"), root.find(names.SOAP, "Body")
    if body is None:
        raise Fault(fault.BAD_XML, "The envelope has no body. ")
    if body.find(names.IDENTITY, "Identify") is not None:
        return Request("identify", body=body)
    if header is None:
        raise Fault(fault.BAD_XML, "The envelope has no header. ")
    message = header.value(names.ADDRESSING, "MessageID")
    action = header.value(names.ADDRESSING, "Action")
    operation = names.ACTIONS.get(action)
    if operation is None:
        raise Fault(fault.NO_ACTION, f"The action is not supported: {action[:200]} ")
    selectors = {found.attributes.get(("", "Name"), "").lower(): found.text.strip()
                 for chosen in header.all(names.WSMAN, "SelectorSet")
                 for found in chosen.all(names.WSMAN, "Selector")}
    options = tuple((found.attributes.get(("", "Name"), ""), found.text.strip())
                    for chosen in header.all(names.WSMAN, "OptionSet") for found in chosen.all(names.WSMAN, "Option"))
    return Request(operation, message, header.value(names.WSMAN, "ResourceURI"), header.value(names.ADDRESSING, "To"),
                   identifier(selectors.get("shellid", "")), _timeout(header), _room(header), options, body)


def message_of(data: bytes) -> str:
    """Return the MessageID of an envelope that may be refused for another reason; empty where there is none."""
    try:
        header = xml.parse(data).find(names.SOAP, "Header")
    except FormatError:
        return ""
    return "" if header is None else header.value(names.ADDRESSING, "MessageID")


def identifier(text: str) -> str:
    """Return a GUID as all are compared: upper case, without ``uuid:`` and braces."""
    return text.strip().removeprefix("uuid:").strip("{}").upper()


def _timeout(header: Element) -> float:
    wanted = header.value(names.WSMAN, "OperationTimeout")
    if not wanted:
        return LONGEST
    try:
        return min(duration.parse(wanted), LONGEST)
    except FormatError:
        raise Fault(fault.BAD_TIMEOUT, "The WS-Management service cannot process the request. The XML contains an "
                    f"invalid timeout field in the SOAP header: {wanted[:64]}. ") from None


def _room(header: Element) -> int:
    wanted = header.value(names.WSMAN, "MaxEnvelopeSize")
    if not wanted:
        return ENVELOPE
    if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > 12:
        raise Fault(fault.BAD_XML, f"MaxEnvelopeSize is not a number of bytes: {wanted[:32]} ")
    if int(wanted) < SMALLEST:
        raise Fault(fault.SMALL_ENVELOPE)
    return min(int(wanted), ENVELOPE)


def shell_wanted(request: Request) -> ShellWanted:
    """Return the shell that a Create asks for."""
    shell = request.body.find(names.SHELL, "Shell")
    if shell is None:
        raise Fault(fault.BAD_XML, "The body of Create has no Shell. ")
    variables = shell.find(names.SHELL, "Environment")
    idle = shell.value(names.SHELL, "IdleTimeOut") or shell.value(names.SHELL, "IdleTimeout")
    try:
        return ShellWanted(
            identifier(shell.attributes.get(("", "ShellId"), "")),
            tuple(shell.value(names.SHELL, "InputStreams", "stdin").split()),
            tuple(shell.value(names.SHELL, "OutputStreams", "stdout stderr").split()),
            shell.value(names.SHELL, "WorkingDirectory"),
            () if variables is None else tuple((found.attributes.get(("", "Name"), ""), found.text)
                                               for found in variables.all(names.SHELL, "Variable")),
            duration.parse(idle) if idle else 0.0, _base64(shell.value(names.POWERSHELL, "creationXml")),
            shell.attributes.get(("", "Name"), ""))
    except FormatError:
        raise Fault(fault.BAD_PARAMETER) from None


def command_wanted(request: Request) -> CommandWanted:
    """Return the command that a Command asks for."""
    line = request.body.find(names.SHELL, "CommandLine")
    if line is None:
        raise Fault(fault.BAD_XML, "The body of Command has no CommandLine. ")
    command = line.find(names.SHELL, "Command")
    return CommandWanted(identifier(line.attributes.get(("", "CommandId"), "")),
                         "" if command is None else command.text,
                         tuple(found.text for found in line.all(names.SHELL, "Arguments")))


def creation_of(wanted: CommandWanted) -> bytes:
    """Return the fragments with which a PowerShell pipeline begins: they are its arguments, in base64."""
    return b"".join(_base64(part) for part in wanted.arguments)


def sent(request: Request) -> tuple[Piece, ...]:
    """Return the pieces of a Send."""
    send = request.body.find(names.SHELL, "Send")
    if send is None:
        raise Fault(fault.BAD_XML, "The body of Send has no Send. ")
    return tuple(Piece(found.attributes.get(("", "Name"), ""), identifier(found.attributes.get(("", "CommandId"), "")),
                       _base64(found.text), found.attributes.get(("", "End"), "").lower() in ("true", "1"))
                 for found in send.all(names.SHELL, "Stream"))


def desired(request: Request) -> tuple[str, frozenset[str]]:
    """Return whose output a Receive wants (empty: the shell's own), and which streams of it."""
    receive = request.body.find(names.SHELL, "Receive")
    stream = None if receive is None else receive.find(names.SHELL, "DesiredStream")
    if stream is None:
        raise Fault(fault.BAD_XML, "The body of Receive has no DesiredStream. ")
    return identifier(stream.attributes.get(("", "CommandId"), "")), frozenset(stream.text.split())


def signalled(request: Request) -> tuple[str, str]:
    """Return the command that a Signal is for, and the signal in a word: terminate, ctrl_c, ctrl_break."""
    signal = request.body.find(names.SHELL, "Signal")
    if signal is None:
        raise Fault(fault.BAD_XML, "The body of Signal has no Signal. ")
    code = signal.value(names.SHELL, "Code")
    if not code.startswith(names.SIGNAL) and not code.startswith("powershell/signal/"):
        raise Fault(fault.BAD_PARAMETER)
    return identifier(signal.attributes.get(("", "CommandId"), "")), code.rpartition("/")[2].lower()


def connected(request: Request) -> tuple[str, bytes]:
    """Return the pipeline that a Connect is for (empty: the pool), and its fragments."""
    connect = request.body.find(names.SHELL, "Connect")
    if connect is None:
        return "", b""
    return (identifier(connect.attributes.get(("", "CommandId"), "")),
            _base64(connect.value(names.POWERSHELL, "connectXml")))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Fault(fault.BAD_XML, "A stream is not base64. ") from None


def chosen_shell(request: Request) -> str:
    """Return the shell whose commands an Enumerate asks for, by its filter or selector; empty where none is named."""
    asked = request.body.find(names.ENUMERATION, "Enumerate")
    chosen = None if asked is None else asked.find(names.WSMAN, "Filter")
    selectors = None if chosen is None else chosen.find(names.WSMAN, "SelectorSet")
    for found in () if selectors is None else selectors.all(names.WSMAN, "Selector"):
        if found.attributes.get(("", "Name"), "").lower() == "shellid":
            return identifier(found.text)
    return request.shell
