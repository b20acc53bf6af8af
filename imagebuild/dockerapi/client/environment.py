# SPDX-License-Identifier: Apache-2.0
"""Which engine the ``docker`` command would use: its environment variables, its settings and its contexts.

Rules: docker/cli ``cli/command/cli.go`` (resolveContextName, resolveDockerEndpoint), ``cli/flags/options.go`` and
``cli/context/store``. ``docs/reference/docker-client.md`` has the table, and a test compares each row with docker's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import NotFoundError, UsageError, quoted
from . import address
from .address import Address

if TYPE_CHECKING:
    import ssl

DEFAULT = "default"
_LARGEST = 1 << 20
_FILES = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files of TLS; None for one that is not there. ``verify`` is whether the engine's certificate is checked."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the engine is, and how to speak with it. ``context`` is the name of the context that says so."""

    address: Address
    certificates: Certificates | None = None
    version: str = ""
    context: str = DEFAULT

    def tls(self) -> ssl.SSLContext | None:
        """What TLS is spoken with; None when it is not. UsageError for files that are not certificates."""
        if self.certificates is None or self.address.scheme != "tcp":
            return None
        from . import tls

        one = self.certificates
        return tls.context(one.ca, one.certificate, one.key, verify=one.verify)


def endpoint(environment: Mapping[str, str] | None = None, *, host: str = "", config: Path | None = None) -> Endpoint:
    """The engine that docker would use. ``host`` stands for ``DOCKER_HOST``, ``config`` for ``DOCKER_CONFIG``.

    NotFoundError for a context or a certificate that is not there, UsageError for one that cannot be understood.
    """
    said = os.environ if environment is None else environment
    folder = config or _folder(said)
    host = host or said.get("DOCKER_HOST", "")
    version = _version(said.get("DOCKER_API_VERSION", ""))
    name = DEFAULT if host else said.get("DOCKER_CONTEXT") or _current(folder) or DEFAULT
    if name == DEFAULT:
        certificates = _certificates(said, folder)
        return Endpoint(address.of_environment(host, tls=certificates is not None), certificates, version)
    return _context(name, folder, version)


def _folder(said: Mapping[str, str]) -> Path:
    given = said.get("DOCKER_CONFIG")
    if given:
        return Path(given)
    home = said.get("USERPROFILE" if os.name == "nt" else "HOME")
    return (Path(home) if home else Path.home()) / ".docker"


def _version(text: str) -> str:
    version = text.removeprefix("v")
    if version and not all(part.isascii() and part.isdigit() for part in version.split(".")):
        raise UsageError("cannot use DOCKER_API_VERSION", why=f"{quoted(text[:40])} is not a version of the API",
                         hint="write it as 1.45, or unset it")
    return version


def _current(folder: Path) -> str:
    """The context of ``docker context use``. Settings that cannot be read choose none: docker only warns of them."""
    try:
        document = json.loads(_read(folder / "config.json"))
    except (OSError, ValueError, RecursionError):
        return ""
    name = document.get("currentContext") if isinstance(document, dict) else ""
    return name if isinstance(name, str) else ""


def _certificates(said: Mapping[str, str], folder: Path) -> Certificates | None:
    """TLS by ``DOCKER_TLS_VERIFY`` or ``DOCKER_TLS``, where any text but none is yes, also ``0``."""
    verify = bool(said.get("DOCKER_TLS_VERIFY"))
    if not verify and not said.get("DOCKER_TLS"):
        return None
    place = Path(said.get("DOCKER_CERT_PATH") or folder)
    ca, certificate, key = (place / name for name in _FILES)
    if not ca.exists():
        raise NotFoundError("cannot speak TLS with an engine", why=f"there is no {ca}",
                            hint="DOCKER_CERT_PATH names the folder of ca.pem, cert.pem and key.pem",
                            cause="engine-tls")
    return Certificates(ca, certificate if certificate.exists() else None, key if key.exists() else None, verify)


def _context(name: str, folder: Path, version: str) -> Endpoint:
    from hashlib import sha256

    what = f"cannot use the docker context {quoted(name[:80])}"
    key = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    path = folder / "contexts" / "meta" / key / "meta.json"
    try:
        document = json.loads(_read(path))
    except FileNotFoundError:
        raise NotFoundError(what, why=f"there is no context of this name (no {path})", cause="docker-context",
                            hint="'docker context ls' lists them; DOCKER_CONTEXT and DOCKER_HOST choose") from None
    except OSError as error:
        raise UsageError(what, why=f"{path}: {error.strerror or error}", cause="docker-context") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(what, why=f"{path} is not JSON ({error})", hint=_AGAIN, cause="docker-context") from None
    found = _field(_field(document, "Endpoints", what, path), "docker", what, path)
    if found is None:
        raise UsageError(what, why=f"{path} names no endpoint of docker", hint=_AGAIN, cause="docker-context")
    host = _field(found, "Host", what, path)
    if host is not None and not isinstance(host, str):
        raise UsageError(what, why=f"the host in {path} is not a text", hint=_AGAIN, cause="docker-context")
    if not isinstance(found, dict):
        raise UsageError(what, why=f"the endpoint in {path} is not an object", hint=_AGAIN, cause="docker-context")
    place = folder / "contexts" / "tls" / key / "docker"
    ca, certificate, private = (file if (file := place / name).is_file() else None for name in _FILES)
    skip = _field(found, "SkipTLSVerify", what, path) is True
    known = ca or certificate or private or skip
    certificates = Certificates(ca, certificate, private, not skip) if known else None
    return Endpoint(address.of_context(host or ""), certificates, version, name)


_AGAIN = "remove it with 'docker context rm' and create it again"


def _field(document: Any, name: str, what: str, path: Path) -> Any:
    """A field of an object, by its name in any case, as Go reads it; None where it is missing."""
    if document is None:
        return None
    if not isinstance(document, dict):
        raise UsageError(what, why=f"{path} is not what docker writes there", hint=_AGAIN, cause="docker-context")
    if name in document:
        return document[name]
    return next((value for key, value in document.items() if key.lower() == name.lower()), None)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"more than {_LARGEST} bytes")
    return data
