# SPDX-License-Identifier: Apache-2.0
"""Namespaces, actions and resources of WS-Management and of Windows' remote shell (MS-WSMV, DSP0226)."""

from __future__ import annotations

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
POWERSHELL = "http://schemas.microsoft.com/powershell"
XML = "http://www.w3.org/XML/1998/namespace"

CMD_RESOURCE = f"{SHELL}/cmd"
"""The resource of command shells."""
POWERSHELL_RESOURCE = f"{POWERSHELL}/Microsoft.PowerShell"
"""The resource of PowerShell's default session configuration; those of others begin alike."""

ANONYMOUS = f"{ADDRESSING}/role/anonymous"
DONE = f"{SHELL}/CommandState/Done"
RUNNING = f"{SHELL}/CommandState/Running"
SIGNAL = f"{SHELL}/signal/"

#: What a client asks for, by the action's URI.
ACTIONS = {
    f"{TRANSFER}/Create": "create", f"{TRANSFER}/Delete": "delete", f"{TRANSFER}/Get": "get",
    f"{TRANSFER}/Put": "put", f"{ENUMERATION}/Enumerate": "enumerate", f"{ENUMERATION}/Pull": "pull",
    f"{SHELL}/Command": "command", f"{SHELL}/Send": "send", f"{SHELL}/Receive": "receive",
    f"{SHELL}/Signal": "signal", f"{SHELL}/Disconnect": "disconnect", f"{SHELL}/Reconnect": "reconnect",
    f"{SHELL}/Connect": "connect",
}
