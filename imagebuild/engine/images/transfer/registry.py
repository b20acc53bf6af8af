# SPDX-License-Identifier: Apache-2.0
"""Registries as an engine reaches them: with the login that each request brings, and with errors in Docker's words.

Sources: moby ``api/types/registry/authconfig.go``, ``distribution/errors.go``, ``registry/service.go``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ....dockerapi import faults
from ....dockerapi.shape import from_json
from ....dockerapi.shapes import AuthConfig
from ....errors import AuthError, NotFoundError, RegistryError, UsageError, WcowError
from ....oci import Location, Reference
from ....stores import Credentials, FixedCredentials, Login, NoCredentials, RegistryClient, RegistryStore
from ....stores.credentials import host_of

Connect = Callable[[Credentials], RegistryClient]
"""Makes a client for registries; the engine's owner says with which mirrors, certificates and retries."""


class Registries:
    """Opens repositories. ``connect`` is called for each request, because each has its own login."""

    def __init__(self, connect: Connect | None = None) -> None:
        self.connect = connect or (lambda credentials: RegistryClient(credentials=credentials))

    @contextmanager
    def opened(self, reference: Reference, credentials: Credentials) -> Iterator[RegistryStore]:
        """One repository for the time of a block."""
        with self.connect(credentials) as client:
            yield client.repository(reference)

    def anonymous(self, location: Location) -> RegistryStore:
        """The store that a promised layer comes from. UsageError for what is no registry: an engine reads no folder of
        its machine because an image says so."""
        if location.transport not in ("", "docker") or location.reference is None:
            raise UsageError(f"cannot read {location}", why="an engine takes images from registries only")
        return self.connect(NoCredentials()).repository(location.reference)


def login_of(auth: AuthConfig) -> Login | None:
    """The login in a client's credentials; ``None`` when there is none in them."""
    name, secret = auth.username, auth.password
    if auth.auth and not name:
        try:
            name, _unused, secret = base64.b64decode(auth.auth, validate=True).decode().partition(":")
        except ValueError:  # not base64, not ASCII, or no text in it
            return None
    return Login(name, secret, auth.identity_token) if name or auth.identity_token else None


def credentials_in(header: str, reference: Reference) -> Credentials:
    """What ``X-Registry-Auth`` says, for the registry of a name. A header that cannot be read counts as none, as it
    does to Docker."""
    login = login_of(auth_in(header))
    return NoCredentials() if login is None else FixedCredentials.of(reference.domain, login)


def auth_in(header: str) -> AuthConfig:
    """The credentials in ``X-Registry-Auth`` (base64 of JSON, with the URL's alphabet); empty when it is none."""
    value = _decoded(header)
    try:
        return from_json(AuthConfig, value if isinstance(value, dict) else {})
    except faults.BadRequest:
        return AuthConfig()


def credentials_by_host(header: str) -> Credentials:
    """What ``X-Registry-Config`` of a build says: credentials by registry."""
    value = _decoded(header)
    logins: dict[str, Login] = {}
    for host, auth in value.items() if isinstance(value, dict) else ():
        try:
            login = login_of(from_json(AuthConfig, auth))
        except faults.BadRequest:
            continue
        if login is not None:
            logins[host_of(str(host))] = login
    return FixedCredentials(**logins)


def _decoded(header: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError, RecursionError):  # the caller refuses the header
        return None


def pull_fault(error: WcowError, reference: Reference) -> faults.Fault:
    """How Docker tells that a pull failed."""
    shown = reference.tagged().familiar
    repository = Reference(reference.domain, reference.path).familiar
    codes: tuple[str, ...] = getattr(error, "codes", ())
    if isinstance(error, faults.Fault):
        return error
    if isinstance(error, AuthError):
        return faults.NotFound(f"pull access denied for {repository}, repository does not exist or may require "
                               f"'docker login': {_detail(codes) or _TEXTS['DENIED']}")
    if isinstance(error, NotFoundError):
        if "NAME_UNKNOWN" in codes:
            return faults.NotFound(f"repository {repository} not found: {_detail(codes)}")
        return faults.NotFound(f"manifest for {shown} not found: {_detail(codes) or _TEXTS['MANIFEST_UNKNOWN']}")
    return registry_fault(error, reference)


def push_fault(error: WcowError, reference: Reference) -> faults.Fault:
    """How Docker tells that a push failed."""
    if isinstance(error, AuthError):
        codes: tuple[str, ...] = getattr(error, "codes", ())
        return faults.Internal(_detail(codes) or _TEXTS["DENIED"])
    return error if isinstance(error, faults.Fault) else registry_fault(error, reference)


def registry_fault(error: WcowError, reference: Reference) -> faults.Fault:
    """An answer that is none of those: what was asked, and why it failed."""
    if isinstance(error, RegistryError) and not error.status:
        return faults.Internal(f'Get "https://{reference.domain}/v2/": {error.why or error.what}')
    return faults.Internal(str(error))


_TEXTS: Mapping[str, str] = {
    "DENIED": "denied: requested access to the resource is denied",
    "UNAUTHORIZED": "unauthorized: authentication required",
    "MANIFEST_UNKNOWN": "manifest unknown: manifest unknown",
    "NAME_UNKNOWN": "name unknown: repository name not known to registry",
}
"""How a registry's codes read in Go's client (distribution ``registry/api``)."""


def _detail(codes: tuple[str, ...]) -> str:
    return next((_TEXTS[code] for code in codes if code in _TEXTS), "")
