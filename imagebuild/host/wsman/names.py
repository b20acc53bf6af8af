# SPDX-License-Identifier: Apache-2.0
"""Names that a client of WS-Management writes and reads (DSP0226, MS-WSMV 2.2.1), and the faults it acts upon."""

from __future__ import annotations

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
WMI_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/microsoft/wmi/wmierror"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"

CREATE, DELETE, GET = f"{TRANSFER}/Create", f"{TRANSFER}/Delete", f"{TRANSFER}/Get"
COMMAND, SEND, RECEIVE, SIGNAL = (f"{SHELL}/{name}" for name in ("Command", "Send", "Receive", "Signal"))
CMD = f"{SHELL}/cmd"
DONE = f"{SHELL}/CommandState/Done"
TERMINATE = f"{SHELL}/signal/terminate"

# Numbers of faults (wsmerror.h of the Windows SDK).
TIMED_OUT = 2150858793
"""The operation took longer than OperationTimeout: it is asked again."""
NO_SHELL = 2150858843
"""The shell, or the command in it, is not there any more."""
TOO_LARGE = (2150858823, 2150858824)
"""An envelope that is longer than MaxEnvelopeSizekb."""
SHELL_QUOTA = 2150859173
"""This user has as many shells as are allowed."""
OPERATION_QUOTA = 2150859174
"""0x803381A6: this user has as many operations as are allowed. Windows counts those of a shell until that closes."""
NOT_FOUND = 2147942402
"""0x80070002: the program is not there."""
ACCESS_DENIED = (5, 2147942405)
