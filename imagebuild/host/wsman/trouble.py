# SPDX-License-Identifier: Apache-2.0
"""What went wrong between us and a WinRM service, as errors that say what to do. The only place that knows the
exceptions of pypsrp, pywinrm, requests and spnego."""

from __future__ import annotations

import sys

from ...errors import HostError, WcowError
from ..address import HostAddress
from . import names
from .answer import Fault


def translate(error: Exception, address: HostAddress) -> tuple[int, bytes]:
    """Status and body, where the service answered with HTTP's 500, which carries a fault; else HostError."""
    if isinstance(error, WcowError):
        raise error
    import requests

    if isinstance(error, _of_library("WinRMTransportError")):
        status, text = (int(getattr(error, "code", 0) or 0), str(getattr(error, "response_text", "") or ""))
        if text.lstrip().startswith("<") and "Envelope" in text:
            return status, text.encode("utf-8", "surrogateescape")
        raise _of_status(status, address) from error
    said = str(address)
    what = f"cannot reach {said}"
    if isinstance(error, _of_library("AuthenticationError")):
        raise denied(address, str(error)) from error
    if isinstance(error, requests.exceptions.SSLError):
        raise HostError(f"cannot speak TLS with {said}", address=said, why=_reason(error), cause="winrm-tls",
                        hint="ca in [hosts.NAME] of wcow.toml (or --ca) names the CA that signed its certificate",
                        ) from error
    if isinstance(error, requests.exceptions.ProxyError):
        raise HostError(what, address=said, why=f"the proxy: {_reason(error)}", unsent=True, temporary=True,
                        hint="proxy in wcow.toml, HTTPS_PROXY and NO_PROXY choose it", cause="winrm-proxy") from error
    if isinstance(error, requests.exceptions.ConnectTimeout):
        raise HostError(what, address=said, why="nothing answered in time", unsent=True, temporary=True,
                        hint=_LISTENS, cause="winrm-unreachable") from error
    if isinstance(error, requests.exceptions.ReadTimeout):
        raise HostError(f"{said} does not answer", address=said, why="no answer came, not even of a time-out",
                        temporary=True, hint="is it restarting, or was its network interrupted?",
                        cause="winrm-lost") from error
    if isinstance(error, requests.exceptions.ConnectionError):
        refused = "NewConnectionError" in str(error) or "refused" in str(error)
        raise HostError(what if refused else f"the connection to {said} was lost", address=said, why=_reason(error),
                        unsent=refused, temporary=True, hint=_LISTENS if refused else "",
                        cause="winrm-unreachable" if refused else "winrm-lost") from error
    if isinstance(error, (*_of_library("WinRMError"), ValueError)) or type(error).__module__.partition(".")[0] in (
            "spnego", "gssapi", "krb5", "requests_credssp", "requests", "urllib3", "ntlm_auth", "winrm"):
        raise denied(address, _reason(error)) from error
    raise error


def _of_library(name: str) -> tuple[type[Exception], ...]:
    """The exception of this name of each library that was loaded."""
    modules = [sys.modules.get(f"{library}.exceptions") for library in ("pypsrp", "winrm")]
    return tuple(getattr(module, name) for module in modules if module is not None)


def denied(address: HostAddress, why: str) -> HostError:
    """The host does not let us in."""
    return HostError(f"{address} refused the login of {address.user or 'this account'}", address=str(address),
                     status=401, why=why or "user or password is wrong, or the login is not allowed there",
                     hint="check user, password and auth; 'winrm get winrm/config/service/auth' there lists what it "
                          "takes", cause="winrm-denied")


def refused(fault: Fault, status: int, address: HostAddress, what: str) -> HostError:
    """A fault as an error. ``what`` is what was attempted."""
    hint, cause, temporary = _FAULTS.get(fault.code, ("", "", False))
    return HostError(f"{what} on {address}", address=str(address), status=status, code=fault.code, temporary=temporary,
                     why=f"{fault.message[:400]} (fault {fault.code}, 0x{fault.code:08X})" if fault.code else
                     fault.message[:400] or fault.subcode, hint=hint, cause=cause)


_LISTENS = "does its WinRM listen there ('winrm quickconfig'), and does its firewall let us through?"
_FAULTS: dict[int, tuple[str, str, bool]] = {
    names.SHELL_QUOTA: ("close other shells, or raise MaxShellsPerUser there", "winrm-quota", True),
    names.OPERATION_QUOTA: ("raise MaxConcurrentOperationsPerUser there", "winrm-quota", True),
    names.NOT_FOUND: ("the program is not there: name it by its full path", "program-missing", False),
    names.NO_SHELL: ("the host was restarted, or its shells were closed", "winrm-lost", True),
    names.TIMED_OUT: ("the program does not read its input", "winrm-lost", True),
    **dict.fromkeys(names.TOO_LARGE, ("its MaxEnvelopeSizekb is smaller than is usual", "winrm-envelope", False)),
    **dict.fromkeys(names.ACCESS_DENIED, ("the user is not an administrator there, nor in Remote Management Users",
                                          "winrm-denied", False)),
}
"""Number of a fault to what to do, its cause, and whether it may pass."""


def _of_status(status: int, address: HostAddress) -> HostError:
    if status in (401, 403):
        return denied(address, "")
    why = {404: "there is no WinRM at this address", 413: "it does not take envelopes of this size",
           400: "it could not open what we sent: the login was lost", 503: "its WinRM service is starting or stopping",
           }.get(status, f"it answered with HTTP's status {status}")
    return HostError(f"{address} did not answer as WinRM does", address=str(address), status=status, why=why,
                     temporary=status in (400, 503), unsent=status in (400, 413),
                     cause="winrm-envelope" if status == 413 else "winrm-not-wsman")


def _reason(error: BaseException) -> str:
    """The innermost words of an error, without the layers of libraries around it."""
    inner: BaseException = error
    while True:
        args = [one for one in (getattr(inner, "reason", None), inner.__cause__, *inner.args)
                if isinstance(one, BaseException)]
        if not args or args[0] is inner:
            break
        inner = args[0]
    text = (inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner)) or type(inner).__name__
    return " ".join(text.split())[:300]
