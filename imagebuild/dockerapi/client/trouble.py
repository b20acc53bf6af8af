# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a client and an engine, as errors of ours: what failed, why, what to do.

Each has the HTTP status (0 when no answer came) and ``cause``, the id of the entry in the doctor's catalogue that
explains it (``wcow doctor explain``), or empty.
"""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

from ...errors import DaemonError
from .. import faults

if TYPE_CHECKING:
    from .answer import Answer

_START = "start it, or say where it is with DOCKER_HOST"


def unreachable(error: Exception, host: str) -> DaemonError:
    """No connection came about."""
    what = f"cannot reach an engine at {host}"
    pipe = host.startswith("npipe:")
    if isinstance(error, FileNotFoundError):
        why = f"open {host.removeprefix('npipe://')}: The system cannot find the file specified" if pipe else \
            "there is no socket of this name"
        return DaemonError(what, why=why, status=0, hint=_START, cause="pipe-missing" if pipe else "engine-not-there")
    if isinstance(error, ConnectionRefusedError):
        why = "its socket is there, and nothing listens on it" if host.startswith("unix:") else "nothing listens there"
        return DaemonError(what, why=why, status=0, hint=_START, cause="engine-not-there")
    if isinstance(error, PermissionError):
        if pipe:
            return DaemonError(what, why=f"open {host.removeprefix('npipe://')}: Access is denied", status=0,
                               hint="use an elevated prompt, or join the group docker-users", cause="pipe-denied")
        return DaemonError(what, why="this account may not use its socket (permission denied)", status=0,
                           hint="join the group that owns it (docker), or be its owner", cause="engine-socket-denied")
    if isinstance(error, TimeoutError):
        return DaemonError(what, why="it did not answer in time", status=0, cause="engine-silent",
                           hint="see that the machine runs, and that nothing between drops the packets")
    return tls_refused(error, host) or DaemonError(what, why=_words(error), status=0, cause="")


def tls_refused(error: Exception, host: str) -> DaemonError | None:
    """TLS failed; None when it is another trouble."""
    import sys

    if "ssl" not in sys.modules:
        return None
    import ssl

    if not isinstance(error, ssl.SSLError):
        return None
    hint = "see DOCKER_TLS_VERIFY, DOCKER_CERT_PATH and the certificates of both sides"
    if isinstance(error, ssl.SSLCertVerificationError):
        return DaemonError(f"cannot trust the engine at {host}", status=0, hint=hint, cause="engine-tls",
                           why=f"certificate verify failed: {getattr(error, 'verify_message', error)}")
    if getattr(error, "reason", "") == "WRONG_VERSION_NUMBER":
        hint = "it does not speak TLS: unset DOCKER_TLS_VERIFY, or take the port that does"
    return DaemonError(f"cannot speak TLS with the engine at {host}", why=_words(error), status=0, hint=hint,
                       cause="engine-tls")


def broken(error: Exception, host: str, *, silence: float | None = None, deadline: float | None = None) -> DaemonError:
    """The connection ended where it should not have, or the engine said nothing for too long."""
    if isinstance(error, TimeoutError):
        limit = deadline if deadline is not None else silence
        why = f"it did not answer within {limit:g} s" if deadline is not None else \
            f"it said nothing for {limit:g} s" if limit is not None else "timed out"
        return DaemonError(f"the engine at {host} is silent", why=why, status=0, cause="engine-silent",
                           hint="see its log; a call that takes longer is given a longer time")
    tls = tls_refused(error, host)
    if tls is not None:
        return tls
    if isinstance(error, ValueError):
        return DaemonError(f"cannot understand {host}", why=f"{error}: this is not an engine's HTTP", status=0,
                           hint="see that an engine listens there, and whether it wants TLS", cause="engine-not-http")
    return DaemonError("the connection to the engine broke", why=_words(error), status=0, hint="see the engine's log",
                       cause="")


def refused(answer: Answer) -> faults.Fault:
    """The fault for an answer of status 400 and above, with the engine's own words."""
    data = answer.read(1 << 20)
    try:
        text = json.loads(data)["message"]
        if isinstance(text, str) and text.strip():
            return faults.of_status(answer.status, text)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    text = data.decode("utf-8", "replace").strip()
    return faults.of_status(answer.status, text or f"the engine answered {answer.status}")


def _words(error: Exception) -> str:
    """What an error of the system says, without its number."""
    if isinstance(error, OSError) and error.strerror and error.errno in errno.errorcode:
        return error.strerror
    return " ".join(str(error).split())[:300] or type(error).__name__
