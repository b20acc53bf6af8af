# SPDX-License-Identifier: Apache-2.0
"""Envelopes that the service sends, laid out as Windows lays them out."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from . import duration, fault, names
from .fault import Fault
from .output import encoded
from .request import ENVELOPE, LONGEST, Piece, Request
from .xml import element, text

_PREFIXES = {"xmlns__s": names.SOAP, "xmlns__a": names.ADDRESSING, "xmlns__x": names.TRANSFER,
             "xmlns__e": names.EVENTING, "xmlns__n": names.ENUMERATION, "xmlns__w": names.WSMAN,
             "xmlns__rsp": names.SHELL, "xmlns__p": names.MICROSOFT}
#: The action of each answer, by what was asked.
_ACTIONS = {word: f"{uri}Response" for uri, word in names.ACTIONS.items()}


@dataclass(slots=True)
class ShellState:
    """What the service tells of a shell."""

    id: str
    resource: str
    owner: str
    client: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    idle: float
    process: int = 0
    name: str = ""
    state: str = "Connected"
    began: float = field(default_factory=time.monotonic)
    touched: float = field(default_factory=time.monotonic)


def envelope(request: Request, *body: str) -> bytes:
    """Return the answer to a request."""
    return _envelope(_ACTIONS[request.operation], request.message, *body)


def refusal(message: str, refused: Fault, machine: str) -> bytes:
    """Return a fault's envelope; ``message`` is the MessageID it answers, or empty."""
    return _envelope(fault.action(refused.kind), message, fault.body(refused, machine))


def _envelope(action: str, message: str, *body: str) -> bytes:
    header = element(
        "s:Header", element("a:Action", action), element("a:MessageID", f"uuid:{str(uuid.uuid4()).upper()}"),
        element("a:To", names.ANONYMOUS), element("a:RelatesTo", text(message)) if message else "")
    return element("s:Envelope", header, element("s:Body", "", *body), xml__lang="en-US", **_PREFIXES).encode()


def identified(version: str) -> bytes:
    """Return the answer to Identify, which anybody may ask; Windows tells its version to those it knows only."""
    vendor = f"OS: {version} SP: 0.0 Stack: 3.0" if version else "OS: 0.0.0 SP: 0.0 Stack: 3.0"
    return element("s:Envelope", element("s:Header", ""), element("s:Body", element(
        "wsmid:IdentifyResponse",
        element("wsmid:ProtocolVersion", names.WSMAN), element("wsmid:ProductVendor", "Microsoft Corporation"),
        element("wsmid:ProductVersion", vendor), xmlns__wsmid=names.IDENTITY)), xml__lang="en-US",
        xmlns__s=names.SOAP).encode()


def created(request: Request, shell: ShellState) -> bytes:
    """Return the answer to Create: where the shell is, and what it is like."""
    reference = element(
        "x:ResourceCreated", element("a:Address", text(request.address)),
        element("a:ReferenceParameters", element("w:ResourceURI", text(shell.resource)),
                element("w:SelectorSet", element("w:Selector", shell.id, Name="ShellId"))))
    return envelope(request, reference, described(shell))


def described(shell: ShellState) -> str:
    """Return a shell as an element: those of PowerShell say more than those of cmd, as on Windows."""
    now = time.monotonic()
    powershell = shell.resource != names.CMD_RESOURCE
    more = (element("rsp:MaxIdleTimeOut", "PT2147483.647S"), element("rsp:Locale", "en-US"),
            element("rsp:DataLocale", "en-US"), element("rsp:CompressionMode", "NoCompression"),
            element("rsp:ProfileLoaded", "Yes"), element("rsp:Encoding", "UTF8"), element("rsp:BufferMode", "Block"),
            element("rsp:State", shell.state)) if powershell else ()
    return element(
        "rsp:Shell", element("rsp:ShellId", shell.id), element("rsp:Name", text(shell.name)) if shell.name else "",
        element("rsp:ResourceUri", text(shell.resource)), element("rsp:Owner", text(shell.owner)),
        element("rsp:ClientIP", text(shell.client)),
        element("rsp:ProcessId", str(shell.process)) if powershell else "",
        element("rsp:IdleTimeOut", duration.seconds(shell.idle)),
        element("rsp:InputStreams", text(" ".join(shell.inputs))),
        element("rsp:OutputStreams", text(" ".join(shell.outputs))), *more,
        element("rsp:ShellRunTime", duration.elapsed(now - shell.began)),
        element("rsp:ShellInactivity", duration.elapsed(now - shell.touched)), xmlns__rsp=names.SHELL)


def commanded(request: Request, command: str) -> bytes:
    """Return the answer to Command."""
    return envelope(request, element("rsp:CommandResponse", element("rsp:CommandId", text(command))))


def received(request: Request, command: str, pieces: list[Piece], streams: tuple[str, ...],
             code: int | None) -> bytes:
    """Return the answer to Receive; with a ``code`` the command is done and its ``streams`` have ended."""
    def attributes(stream: str) -> dict[str, str]:
        return {"Name": stream, **({"CommandId": command} if command else {})}

    inside = [element("rsp:Stream", encoded(piece), **attributes(piece.stream)) for piece in pieces]
    if code is not None:
        inside += [element("rsp:Stream", "", **attributes(stream), End="true") for stream in streams]
        inside.append(element("rsp:CommandState", element("rsp:ExitCode", str(code)), CommandId=command,
                              State=names.DONE))
    return envelope(request, element("rsp:ReceiveResponse", *inside))


def sent(request: Request) -> bytes:
    """Return the answer to Send."""
    return envelope(request, element("rsp:SendResponse"))


def signalled(request: Request) -> bytes:
    """Return the answer to Signal."""
    return envelope(request, element("rsp:SignalResponse"))


def listed(request: Request, shells: list[ShellState]) -> bytes:
    """Return the answer to Enumerate: all at once, as clients ask for it."""
    items = element("w:Items", *(described(shell) for shell in shells)) if shells else ""
    return envelope(request, element("n:EnumerateResponse", element("n:EnumerationContext", ""), items,
                                     element("w:EndOfSequence")))


def connected(request: Request, shell: ShellState, fragments: str) -> bytes:
    """Return the answer to Connect; ``fragments`` are PowerShell's, in base64."""
    return envelope(request, element(
        "rsp:ConnectResponse", element("rsp:InputStreams", text(" ".join(shell.inputs))),
        element("rsp:OutputStreams", text(" ".join(shell.outputs))),
        element("connectResponseXml", fragments, xmlns=names.POWERSHELL)))


def configured(request: Request) -> bytes:
    """Return the answer to Get of the service's configuration (pypsrp reads the envelope's size of it)."""
    def group(name: str, *values: tuple[str, str]) -> str:
        return element(f"cfg:{name}", *(element(f"cfg:{key}", value) for key, value in values))

    return envelope(request, element(
        "cfg:Config", element("cfg:MaxEnvelopeSizekb", str(ENVELOPE // 1024)),
        element("cfg:MaxTimeoutms", str(int(LONGEST * 1000))), element("cfg:MaxBatchItems", "32000"),
        element("cfg:MaxProviderRequests", "4294967295"),
        group("Service", ("MaxConcurrentOperationsPerUser", "1500"), ("EnumerationTimeoutms", "240000"),
              ("MaxConnections", "300"), ("AllowRemoteAccess", "true")),
        group("Winrs", ("AllowRemoteShellAccess", "true"), ("IdleTimeout", "7200000"),
              ("MaxConcurrentUsers", "2147483647"), ("MaxShellRunTime", "2147483647"), ("MaxProcessesPerShell", "25"),
              ("MaxMemoryPerShellMB", "2147483647"), ("MaxShellsPerUser", "30")),
        xmlns__cfg=names.CONFIG))
