# SPDX-License-Identifier: Apache-2.0
"""Log in to a registry and out of it, as ``docker login`` does."""

from __future__ import annotations

from ...errors import UsageError
from ..credentials import DockerConfig, FixedCredentials, Login
from .client import RegistryClient
from .wire.endpoint import check_host
from .wire.transport import Tls


def login(host: str, username: str, password: str, *, config: DockerConfig | None = None,
          tls: Tls | None = None) -> str:
    """Try a login at the registry and keep it; returns where it is kept. AuthError when it is refused: then nothing
    is kept."""
    host = check_host(host)
    if not username or not password:
        raise UsageError(f"cannot log in to {host}", why="a user name and a password are needed")
    if ":" in username:
        raise UsageError(f"cannot log in to {host}", why="a user name holds no colon")
    who = Login(username, password)
    with RegistryClient(credentials=FixedCredentials.of(host, who), tls=tls) as client:
        client.endpoint(host).ping(f"cannot log in to {host}")
    return (config or DockerConfig()).save(host, who)


def logout(host: str, *, config: DockerConfig | None = None) -> bool:
    """Forget a login; False when there was none."""
    return (config or DockerConfig()).erase(check_host(host))
