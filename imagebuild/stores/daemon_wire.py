# SPDX-License-Identifier: Apache-2.0
"""The few calls of the Docker Engine API that moving images needs, and what its refusals mean.

API: moby ``api/swagger.yaml`` (ImageGet, ImageLoad, ImageInspect, ImageTag, ImageDelete, ImageList).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from ..dockerapi.plain import unix_connection
from ..errors import DaemonError, NotFoundError, UnsupportedError, UsageError, WcowError
from .redact import printable, redact

if TYPE_CHECKING:
    import http.client

DEFAULT_HOST = "unix:///var/run/docker.sock"
_MAX_ANSWER = 8 << 20
_SNAPSHOTTER = ('switch it to the containerd store: {"features": {"containerd-snapshotter": true}} in '
                "/etc/docker/daemon.json, then restart it")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A text the daemon says, why it says so, and what to do."""

    pattern: re.Pattern[str]
    why: str
    hint: str


# Texts of Debian's dockerd 26 (moby image/tarexport/load.go, distribution/pull_v2.go).
REFUSALS = (
    Refusal(re.compile(r"cannot load (\S+) image on (\S+)"),
            "its classic image store takes only images of the system it runs on", _SNAPSHOTTER),
    Refusal(re.compile(r"open \S*blobs/json: no such file or directory"),
            "its classic image store reads only archives that have manifest.json, and this one has none",
            "write the archive with docker-archive:FILE, or " + _SNAPSHOTTER),
    Refusal(re.compile(r'image operating system "?\w+"? cannot be used on this platform'),
            "its classic image store pulls only images of the system it runs on",
            "pull with wcow pull, or " + _SNAPSHOTTER),
)


def refused(what: str, text: str, *, status: int = 0) -> DaemonError:
    """The error for a text a daemon gave, translated when it is one we know; the text stays in it."""
    text = redact(printable(text))
    for known in REFUSALS:
        if known.pattern.search(text):
            return DaemonError(what, why=f"{known.why} (docker says: {text})", hint=known.hint, status=status)
    return DaemonError(what, why=f"docker says: {text}" if text else f"docker answered {status}", status=status)


class Daemon:
    """A Docker daemon at ``host`` (as ``DOCKER_HOST`` says it: ``unix://`` or ``tcp://``). A connection a call."""

    def __init__(self, host: str = "", *, timeout: float = 300.0) -> None:
        self.host = host or os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"Daemon({redact(self.host)!r})"

    def call(self, method: str, path: str, *, what: str, body: BinaryIO | None = None, length: int = 0,
             ok: tuple[int, ...] = (200,)) -> http.client.HTTPResponse:
        """One call; the answer is the caller's to close. NotFoundError for 404, DaemonError for all other trouble."""
        import http.client

        connection = self._connection(what)
        # With "close" the socket belongs to the answer, and goes with it.
        headers = {"Host": "docker", "User-Agent": "wcow", "Connection": "close"}
        if body is not None:
            headers |= {"Content-Type": "application/x-tar", "Content-Length": str(length)}
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(what, error) from error
        if answer.status in ok:
            return answer
        text = self._message(answer)
        connection.close()
        if answer.status == 404:
            raise NotFoundError(what, why=f"docker says: {redact(printable(text))}")
        raise refused(what, text, status=answer.status)

    def json(self, method: str, path: str, *, what: str, ok: tuple[int, ...] = (200,)) -> Any:
        """One call whose answer is a JSON document."""
        import http.client

        answer = self.call(method, path, what=what, ok=ok)
        try:
            with answer:
                data = answer.read(_MAX_ANSWER)
            return json.loads(data) if data else None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(what, error) from error
        except (ValueError, RecursionError):
            raise DaemonError(what, why="docker's answer is not JSON", status=answer.status) from None

    def load(self, archive: BinaryIO, length: int, *, what: str) -> list[str]:
        """Give the daemon an archive; the lines it says. DaemonError when it refuses, also late, in its answer."""
        import http.client

        lines: list[str] = []
        answer = self.call("POST", "/images/load?quiet=1", what=what, body=archive, length=length)
        try:
            with answer:
                data = answer.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(what, error) from error
        for line in data.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                detail = event.get("errorDetail")
                trouble = event.get("error") or (detail.get("message") if isinstance(detail, dict) else "")
                if trouble:
                    raise refused(what, str(trouble), status=answer.status)
                lines.append(str(event.get("stream") or "").strip())
        return lines

    def _connection(self, what: str) -> http.client.HTTPConnection:
        import http.client

        try:
            parts = urlsplit(self.host)
            port = parts.port
        except ValueError:
            raise UsageError(what, why=f"DOCKER_HOST {redact(self.host)!r} is no address") from None
        if parts.scheme == "unix":
            return unix_connection(parts.path, self._timeout)
        if parts.scheme in ("tcp", "http") and parts.hostname and not os.environ.get("DOCKER_TLS_VERIFY"):
            return http.client.HTTPConnection(parts.hostname, port or 2375, timeout=self._timeout)
        raise UnsupportedError(what, why=f"cannot reach a daemon at {redact(self.host)!r}",
                               hint="unix:// and tcp:// without TLS are known; forward its socket with ssh -L")

    def _message(self, answer: http.client.HTTPResponse) -> str:
        import http.client

        try:
            data = answer.read(64 << 10)
            document = json.loads(data)
            return str(document["message"])
        except (OSError, http.client.HTTPException):
            return ""
        except (ValueError, KeyError, TypeError, RecursionError):
            return data.decode("utf-8", "replace")

    def _unreachable(self, what: str, error: Exception) -> WcowError:
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
            return DaemonError(what, why=f"no docker daemon at {redact(self.host)}", status=0,
                               hint="start it, or say where it is with DOCKER_HOST")
        if isinstance(error, PermissionError):
            return DaemonError(what, why=f"{redact(self.host)} may not be used by this account", status=0,
                               hint="join the group docker, or run as root")
        return DaemonError(what, why=f"the connection to docker broke: {printable(str(error))}", status=0)
