# SPDX-License-Identifier: Apache-2.0
"""Asks the engine on this machine what it is: ``/version`` and ``/info``.

Only an engine of this machine is asked. One elsewhere would answer for another machine; of that one
``docker info --format json`` can be handed to the doctor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import DaemonError, WcowError

if TYPE_CHECKING:
    from ..dockerapi import Client

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What an engine answered; ``error`` says why it did not."""

    info: dict[str, Any] | None = None
    version: dict[str, Any] | None = None
    error: str | None = None


def ask(environment: Mapping[str, str], *, timeout: float = SECONDS) -> Answers:
    """The answers of the engine that docker would use with this environment. Nothing is raised."""
    from ..dockerapi import Client
    from ..dockerapi.client.environment import endpoint

    try:
        found = endpoint(environment)
        if not found.address.local:
            return Answers(error=f"the engine at {found.address} is not of this machine: it was not asked")
        with Client.to(found, timeout=timeout, deadline=timeout) as client:
            version, info = _object(client, "/version"), _object(client, "/info")
    except WcowError as error:
        return Answers(error=" ".join(str(error).split())[:300])
    return Answers(info, version)


def _object(client: Client, path: str) -> dict[str, Any]:
    document = client.json("GET", path)
    if not isinstance(document, dict):
        raise DaemonError(f"the engine's answer to {path} is not a JSON object", status=200)
    return document
