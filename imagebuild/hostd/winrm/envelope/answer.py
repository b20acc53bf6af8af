# SPDX-License-Identifier: Apache-2.0
"""Envelopes that the service sends, laid out as Windows lays them out."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..output import encoded
from ..quotas import OPERATIONS, PROCESSES, SHELLS
from . import duration, fault, names
from .fault import Fault
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
    environment: tuple[tuple[str, str], ...] = ()
    folder: str = ""
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


def described(shell: ShellState, *, running: int | None = None) -> str:
    """Return a shell as an element: those of PowerShell say more than those of cmd, as on Windows. ``running`` is how
    many of its commands run, where that is told; its memory is not measured."""
    now = time.monotonic()
    powershell = shell.resource.lower() != names.CMD_RESOURCE
    environment = element("rsp:Environment", *(element("rsp:Variable", text(value), Name=name)
                                               for name, value in shell.environment)) if shell.environment else ""
    use = () if running is None else (element("rsp:MemoryUsed", "0MB"), element("rsp:ChildProcesses", str(running)))
    more = (element("rsp:MaxIdleTimeOut", "PT2147483.647S"), element("rsp:Locale", "en-US"),
            element("rsp:DataLocale", "en-US"), element("rsp:CompressionMode", "NoCompression"),
            element("rsp:ProfileLoaded", "Yes"), element("rsp:Encoding", "UTF8"), element("rsp:BufferMode", "Block"),
            element("rsp:State", shell.state)) if powershell else ()
    return element(
        "rsp:Shell", element("rsp:ShellId", shell.id), element("rsp:Name", text(shell.name)) if shell.name else "",
        element("rsp:ResourceUri", text(shell.resource)), element("rsp:Owner", text(shell.owner)),
        element("rsp:ClientIP", text(shell.client)),
        element("rsp:ProcessId", str(shell.process)) if powershell else "",
        environment, element("rsp:WorkingDirectory", text(shell.folder)) if shell.folder else "",
        element("rsp:IdleTimeOut", duration.seconds(shell.idle)),
        element("rsp:InputStreams", text(" ".join(shell.inputs))),
        element("rsp:OutputStreams", text(" ".join(shell.outputs))), *more,
        element("rsp:ShellRunTime", duration.elapsed(now - shell.began)),
        element("rsp:ShellInactivity", duration.elapsed(now - shell.touched)), *use, xmlns__rsp=names.SHELL)


def commanded(request: Request, command: str) -> bytes:
    """Return the answer to Command."""
    return envelope(request, element("rsp:CommandResponse", element("rsp:CommandId", text(command))))


def received(request: Request, command: str, pieces: list[Piece], streams: tuple[str, ...],
             code: int | None) -> bytes:
    """Return the answer to Receive; with a ``code`` the command is done. Of a command of cmd its ``streams`` have then
    ended, and before, it is said to run; PowerShell's say neither."""
    def attributes(stream: str) -> dict[str, str]:
        return {"Name": stream, **({"CommandId": command} if command else {})}

    cmd = request.resource.lower() == names.CMD_RESOURCE
    inside = [element("rsp:Stream", encoded(piece), **attributes(piece.stream)) for piece in pieces]
    if code is not None:
        if cmd:
            inside += [element("rsp:Stream", "", **attributes(stream), End="true") for stream in streams]
        inside.append(element("rsp:CommandState", element("rsp:ExitCode", str(code)), CommandId=command,
                              State=names.DONE))
    elif cmd and command:
        inside.append(element("rsp:CommandState", CommandId=command, State=names.RUNNING))
    return envelope(request, element("rsp:ReceiveResponse", *inside))


def sent(request: Request) -> bytes:
    """Return the answer to Send."""
    return envelope(request, element("rsp:SendResponse"))


def signalled(request: Request) -> bytes:
    """Return the answer to Signal."""
    return envelope(request, element("rsp:SignalResponse"))


def listed(request: Request, items: list[str]) -> bytes:
    """Return the answer to Enumerate: all at once, as clients ask for it."""
    inside = element("w:Items", *items) if items else ""
    return envelope(request, element("n:EnumerateResponse", element("n:EnumerationContext", ""), inside,
                                     element("w:EndOfSequence")))


def running_command(command: str, line: str) -> str:
    """Return a command of a shell as an element of an Enumerate's answer."""
    return element("rsp:Command", element("rsp:CommandId", command), element("rsp:CommandLine", text(line)),
                   element("rsp:CommandState", "Running"), xmlns__rsp=names.SHELL)


def connected(request: Request, connection: str = "") -> bytes:
    """Return the answer to Connect: empty for a pipeline, with its :func:`connection` for a pool."""
    return envelope(request, element("rsp:ConnectResponse", connection))


def connection(shell: ShellState, fragments: str) -> str:
    """Return what a client learns of a pool that it connects to; ``fragments`` are PowerShell's, in base64."""
    return "".join((element("rsp:InputStreams", text(" ".join(shell.inputs))),
                    element("rsp:OutputStreams", text(" ".join(shell.outputs))),
                    element("connectResponseXml", fragments, xmlns=names.POWERSHELL)))


def configured(request: Request) -> bytes:
    """Return the answer to Get of the service's configuration (pypsrp reads the envelope's size of it)."""
    return envelope(request, _group("Config", _CONFIG, xmlns__cfg=names.CONFIG))


def _group(name: str, values: Mapping[str, Any], **attributes: str) -> str:
    return element(f"cfg:{name}", *(_group(key, value) if isinstance(value, Mapping) else
                                    element(f"cfg:{key}", text(value)) for key, value in values.items()), **attributes)


_PORTS = {"HTTP": "5985", "HTTPS": "5986"}
#: What ``winrm get winrm/config`` says, with the defaults of Windows.
_CONFIG: Mapping[str, Any] = {
    "MaxEnvelopeSizekb": str(ENVELOPE // 1024), "MaxTimeoutms": str(int(LONGEST * 1000)), "MaxBatchItems": "32000",
    "MaxProviderRequests": "4294967295",
    "Client": {
        "NetworkDelayms": "5000", "URLPrefix": "wsman", "AllowUnencrypted": "false",
        "Auth": {"Basic": "true", "Digest": "true", "Kerberos": "true", "Negotiate": "true", "Certificate": "true",
                 "CredSSP": "false"},
        "DefaultPorts": _PORTS, "TrustedHosts": ""},
    "Service": {
        "RootSDDL": "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;IU)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)",
        "MaxConcurrentOperations": "4294967295", "MaxConcurrentOperationsPerUser": str(OPERATIONS),
        "EnumerationTimeoutms": "240000", "MaxConnections": "300", "MaxPacketRetrievalTimeSeconds": "120",
        "AllowUnencrypted": "false",
        "Auth": {"Basic": "true", "Kerberos": "true", "Negotiate": "true", "Certificate": "true", "CredSSP": "true",
                 "CbtHardeningLevel": "Relaxed"},
        "DefaultPorts": _PORTS, "IPv4Filter": "*", "IPv6Filter": "*", "EnableCompatibilityHttpListener": "false",
        "EnableCompatibilityHttpsListener": "false", "CertificateThumbprint": "", "AllowRemoteAccess": "true"},
    "Winrs": {
        "AllowRemoteShellAccess": "true", "IdleTimeout": "7200000", "MaxConcurrentUsers": "2147483647",
        "MaxShellRunTime": "2147483647", "MaxProcessesPerShell": str(PROCESSES),
        "MaxMemoryPerShellMB": "2147483647", "MaxShellsPerUser": str(SHELLS)},
}
