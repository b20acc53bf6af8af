# SPDX-License-Identifier: Apache-2.0
"""Envelopes of WS-Management as text, for tests that send their own."""

from __future__ import annotations

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"


def envelope(action: str, body: str = "", *, shell: str = "", resource: str = f"{SHELL}/cmd", header: str = "") -> str:
    """Return a request on one line; prefixes are s, a, w, r (the shell's) and n (enumeration's)."""
    selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>' if shell else ""
    return ('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
            'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
            f'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:r="{SHELL}"><s:Header>'
            f"<a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID><w:ResourceURI>{resource}</w:ResourceURI>"
            f"{selector}{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>")


#: Asks for the shells of the user.
SHELLS = envelope(ENUMERATE, "<n:Enumerate/>", resource=SHELL)
