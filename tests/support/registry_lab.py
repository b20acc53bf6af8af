# SPDX-License-Identifier: Apache-2.0
"""A registry's double and clients of it that do not wait; the fixtures ``lab`` and ``guarded`` of the stores' tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from imagebuild.errors import WcowError
from imagebuild.oci import Descriptor, Digest
from imagebuild.stores import FixedCredentials, Login, Mirrors, NoCredentials, RegistryClient, RegistryStore, Retries

from .registry_double import Auth, RegistryDouble

DATA = bytes(range(256)) * 2000
PASSWORD = "a secret word"
LOGIN = Login("user", PASSWORD)


@dataclass
class Lab:
    """A double, clients of it, and the waits they asked for."""

    double: RegistryDouble
    waits: list[float] = field(default_factory=list)
    clients: list[RegistryClient] = field(default_factory=list)

    def store(self, name: str = "app", *, login: Login | None = None, chunk_size: int = 100_000,
              mirrors: Mirrors | None = None) -> RegistryStore:
        """A repository of the double, or of whatever registry ``name`` says. Each has a client of its own."""
        credentials = FixedCredentials.of(self.double.host, login) if login else NoCredentials()
        client = RegistryClient(credentials=credentials, sleep=self.waits.append, chunk_size=chunk_size,
                                mirrors=mirrors, retries=Retries(attempts=4, first=1, longest=3))
        self.clients.append(client)
        return client.repository(name if "/" in name else f"{self.double.host}/{name}")


@contextmanager
def opened(auth: Auth | None = None) -> Iterator[Lab]:
    """A lab, with all that it opened closed at its end."""
    with RegistryDouble(auth=auth) as double:
        made = Lab(double)
        try:
            yield made
        finally:
            for client in made.clients:
                client.close()


def described(data: bytes, kind: str = "application/x-data") -> Descriptor:
    """The descriptor of a blob."""
    return Descriptor(kind, Digest.of(data), len(data))


def everything(error: WcowError) -> str:
    """All that a user could see of an error."""
    return "\n".join([str(error), repr(error), *error.lines(), str(error.facts)])
