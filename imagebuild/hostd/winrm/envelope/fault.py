# SPDX-License-Identifier: Apache-2.0
"""What WS-Management answers when it cannot: faults, with the numbers and sentences of Windows.

The sentences are those of the exchanges with Windows that pypsrp's source package has recorded
(``tests/tests_pypsrp/responses``), of MS-WSMV 3.1.4 and of the Windows SDK's list of errors, ``wsmerror.h``.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import names
from .xml import element, text

_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
_WSMAN_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_ADDRESSING_ACTION = f"{names.ADDRESSING}/fault"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: Windows' number, who is at fault (``Sender`` or ``Receiver``), the SOAP subcode, the sentence
    that reasons, WS-Management's detail, and which part of Windows said it (with its file)."""

    code: int
    side: str
    subcode: str
    reason: str
    detail: str = ""
    provider: tuple[str, str] = ("", "")
    message: str = ""
    nested: bool = False  #: the provider says a fault in the fault


_CMD = ("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
_SELECTORS = ("The WS-Management service cannot process the request because the request contained invalid selectors "
              "for the resource. ")

TIMED_OUT = Kind(2150858793, "Receiver", "w:TimedOut", "The WS-Management service cannot complete the operation within "
                 "the time specified in OperationTimeout.  ")
NO_SHELL = Kind(2150858843, "Sender", "w:InvalidSelectors", _SELECTORS, "UnexpectedSelectors",
                ("Shell provider", r"%systemroot%\system32\WsmSvc.dll"), nested=True)
NO_COMMAND = Kind(2150858843, "Sender", "w:InvalidSelectors", _SELECTORS, "UnexpectedSelectors",
                  message="The Windows Remote Shell received a request to perform an operation on a command identifier "
                  "that does not exist. Either the command has completed execution or the client specified an invalid "
                  "command identifier. ")
BAD_PARAMETER = Kind(87, "Sender", "w:InvalidParameter", "The parameter is incorrect. ", "InvalidValue", _CMD)
BAD_TIMEOUT = Kind(2150858767, "Sender", "a:InvalidMessageInformationHeader", "The WS-Management service cannot "
                   "process the request. The request contains one or more invalid SOAP headers. ")
BAD_XML = Kind(2150858819, "Sender", "w:SchemaValidationError", "The WS-Management service cannot process the request "
               "because the XML is invalid. ")
NO_ACTION = Kind(2150858771, "Sender", "a:ActionNotSupported", "The WS-Management service does not support the action "
                 "specified in the request. ")
NO_RESOURCE = Kind(2150858811, "Sender", "a:DestinationUnreachable", "The WS-Management service cannot process the "
                   "request. The resource URI is missing or it has an incorrect format. Check the documentation or use "
                   "the following command for information on how to construct a resource URI: \"winrm help uris\". ",
                   "InvalidResourceURI")
SMALL_ENVELOPE = Kind(2150858805, "Sender", "w:EncodingLimit", "The WS-Management service cannot process the request "
                      "because the encoding of the request exceeds an internal encoding limit. Reconfigure the client "
                      "to send messages which fit the encoding limits of the service. ", "MinimumEnvelopeLimit")
LARGE_ANSWER = Kind(2150858824, "Sender", "w:EncodingLimit", "The response that the WS-Management service computed "
                    "exceeds the maximum envelope size in the request. ", "MaxEnvelopeSizeExceeded")
EXISTS = Kind(2150858803, "Sender", "w:AlreadyExists", "The WS-Management service cannot create the resource because "
              "it already exists. ")
BUSY = Kind(2150858802, "Sender", "w:Concurrency", "The WS-Management service cannot complete the WS-Addressing Action "
            "URI in the request because the resource was already in use. ")
SHELL_QUOTA = Kind(2150859173, "Receiver", "w:QuotaLimit", "The WS-Management service cannot process the request. This "
                   "user is allowed a maximum number of 30 concurrent shells, which has been exceeded. Close existing "
                   "shells or raise the quota for this user. ")
OPERATION_QUOTA = Kind(2150859174, "Receiver", "w:QuotaLimit", "The WS-Management service cannot process the request. "
                       "This user is allowed a maximum number of 1500 concurrent operations, which has been exceeded. "
                       "Close existing operations for this user, or raise the quota for this user. ")
PROCESS_QUOTA = Kind(2150858815, "Sender", "w:QuotaLimit", "The WS-Management service is busy servicing other "
                     "requests. Retry later. ")
NOT_FOUND = Kind(2147942402, "Receiver", "w:InternalError", "The system cannot find the file specified. ",
                 provider=_CMD)
BROKEN_SHELL = Kind(2150858843, "Receiver", "w:InternalError", "The WSMan provider host process did not return a "
                    "proper response.  A provider in the host process may have behaved improperly. ",
                    provider=("microsoft.powershell", r"%systemroot%\system32\pwrshplugin.dll"))
INTERNAL = Kind(2147500037, "Receiver", "w:InternalError", "Unspecified error ")


class Fault(Exception):
    """A request that the service answers with a fault; ``message`` says more than the kind does."""

    def __init__(self, kind: Kind, message: str = "") -> None:
        super().__init__(message or kind.message or kind.reason)
        self.kind = kind
        self.message = message or kind.message or kind.reason


def action(kind: Kind) -> str:
    """Return the action that a fault's answer has."""
    return _ADDRESSING_ACTION if kind.subcode.startswith("a:") else _WSMAN_ACTION


def body(fault: Fault, machine: str) -> str:
    """Return the ``s:Fault`` element as Windows lays it out; ``machine`` is the name that it says it has."""
    kind = fault.kind
    message = text(fault.message)
    if kind.nested:
        message = _wsman_fault(kind, message, machine)
    if kind.provider[0]:
        message = element("f:ProviderFault", message, provider=kind.provider[0], path=kind.provider[1])
    detail = element("w:FaultDetail", f"{_DETAIL}{kind.detail}") if kind.detail else ""
    return element(
        "s:Fault",
        element("s:Code", element("s:Value", f"s:{kind.side}"),
                element("s:Subcode", element("s:Value", kind.subcode))),
        element("s:Reason", element("s:Text", text(kind.reason), xml__lang="en-US")),
        element("s:Detail", detail, _wsman_fault(kind, message, machine)))


def _wsman_fault(kind: Kind, message: str, machine: str) -> str:
    return element("f:WSManFault", element("f:Message", message), xmlns__f=names.FAULT, Code=str(kind.code),
                   Machine=machine)
