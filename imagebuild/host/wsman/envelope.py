# SPDX-License-Identifier: Apache-2.0
"""Envelopes that a client of Windows' remote shell sends (MS-WSMV 3.1.4, DSP0226).

They are written as text: each has one shape, and those with input go by the megabyte.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from . import names

_SPACES = (f'xmlns:s="{names.SOAP}" xmlns:a="{names.ADDRESSING}" xmlns:w="{names.WSMAN}" '
           f'xmlns:p="{names.MICROSOFT}" xmlns:r="{names.SHELL}"')
OVERHEAD = 2048
"""Bytes of an envelope around what is sent, with room to spare; the address is short."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What all envelopes to one host have in common. ``session`` and the language stay the same for a shell's life."""

    url: str
    session: str
    size: int = 512_000  #: the longest answer that is wanted; the server keeps to its own limit if that is less

    def _head(self, action: str, resource: str, seconds: float, shell: str = "",
              options: Mapping[str, str] | None = None) -> str:
        selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{escape(shell)}</w:Selector></w:SelectorSet>' \
            if shell else ""
        chosen = "".join(f'<w:Option Name="{name}">{value}</w:Option>' for name, value in (options or {}).items())
        return (f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {_SPACES}><s:Header>'
                f'<a:To>{escape(self.url)}</a:To><a:ReplyTo><a:Address s:mustUnderstand="true">'
                f'{names.ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>'
                f'<w:MaxEnvelopeSize s:mustUnderstand="true">{self.size}</w:MaxEnvelopeSize>'
                f'<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>'
                f'<w:Locale s:mustUnderstand="false" xml:lang="en-US"/>'
                f'<p:DataLocale s:mustUnderstand="false" xml:lang="en-US"/>'
                f'<p:SessionId s:mustUnderstand="false">uuid:{self.session}</p:SessionId>'
                f'<w:OperationTimeout>PT{seconds:.3f}S</w:OperationTimeout>'
                f'<w:ResourceURI s:mustUnderstand="true">{escape(resource)}</w:ResourceURI>'
                f'<a:Action s:mustUnderstand="true">{action}</a:Action>{selectors}'
                + (f'<w:OptionSet s:mustUnderstand="true">{chosen}</w:OptionSet>' if chosen else "")
                + "</s:Header>")

    def create(self, *, code_page: int, idle: float, environment: Mapping[str, str], seconds: float) -> bytes:
        """A command shell. ``idle`` is after how many seconds without a question the server closes it."""
        variables = "".join(f"<r:Variable Name={quoteattr(name)}>{escape(value)}</r:Variable>"
                            for name, value in environment.items())
        return (self._head(names.CREATE, names.CMD, seconds,
                           options={"WINRS_NOPROFILE": "TRUE", "WINRS_CODEPAGE": str(code_page)})
                + "<s:Body><r:Shell>" + (f"<r:Environment>{variables}</r:Environment>" if variables else "")
                + f"<r:IdleTimeOut>PT{idle:.3f}S</r:IdleTimeOut><r:InputStreams>stdin</r:InputStreams>"
                  "<r:OutputStreams>stdout stderr</r:OutputStreams></r:Shell></s:Body></s:Envelope>").encode()

    def command(self, shell: str, identity: str, line: str, seconds: float) -> bytes:
        """Start a command. Its input is a pipe: in console mode bytes are converted by the code page, and its end never
        arrives. ``WINRS_SKIP_CMD_SHELL`` is false, and the line right also where no cmd reads it."""
        return (self._head(names.COMMAND, names.CMD, seconds, shell,
                           {"WINRS_CONSOLEMODE_STDIN": "FALSE", "WINRS_SKIP_CMD_SHELL": "FALSE"})
                + f'<s:Body><r:CommandLine CommandId="{identity}"><r:Command>{escape(line)}</r:Command>'
                  '</r:CommandLine></s:Body></s:Envelope>').encode()

    def send(self, shell: str, command: str, data: bytes | memoryview, *, end: bool, seconds: float) -> bytes:
        """Input, and whether it is the last."""
        last = ' End="true"' if end else ""
        head = (self._head(names.SEND, names.CMD, seconds, shell)
                + f'<s:Body><r:Send><r:Stream Name="stdin" CommandId="{command}"{last}>')
        return b"".join((head.encode(), base64.b64encode(data), b"</r:Stream></r:Send></s:Body></s:Envelope>"))

    def receive(self, shell: str, command: str, seconds: float) -> bytes:
        """Ask for output; the server waits ``seconds`` for it."""
        return (self._head(names.RECEIVE, names.CMD, seconds, shell, {"WSMAN_CMDSHELL_OPTION_KEEPALIVE": "TRUE"})
                + f'<s:Body><r:Receive><r:DesiredStream CommandId="{command}">stdout stderr</r:DesiredStream>'
                  '</r:Receive></s:Body></s:Envelope>').encode()

    def signal(self, shell: str, command: str, seconds: float) -> bytes:
        """End a command, or say that its output was all read: without it Windows keeps the command."""
        return (self._head(names.SIGNAL, names.CMD, seconds, shell)
                + f'<s:Body><r:Signal CommandId="{command}"><r:Code>{names.TERMINATE}</r:Code></r:Signal></s:Body>'
                  '</s:Envelope>').encode()

    def delete(self, shell: str, seconds: float) -> bytes:
        """Close a shell."""
        return (self._head(names.DELETE, names.CMD, seconds, shell) + "<s:Body/></s:Envelope>").encode()

    def configuration(self, seconds: float) -> bytes:
        """Ask for the service's configuration, which only administrators get."""
        return (self._head(names.GET, names.CONFIG, seconds) + "<s:Body/></s:Envelope>").encode()


def sender(url: str) -> Sender:
    """Return what writes envelopes to this URL, with a session of its own."""
    return Sender(url, str(uuid.uuid4()).upper())
