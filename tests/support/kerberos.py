# SPDX-License-Identifier: Apache-2.0
"""A Kerberos realm of the test's own: Debian's key distribution centre, as an ordinary process on a free port."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import programs

REALM = "WCOW.TEST"
SERVICES = ("HTTP/localhost", "host/localhost")
"""curl asks for the first; pypsrp for WSMAN, which GSS-API makes the second, as a Windows domain does."""


@dataclass(frozen=True, slots=True)
class Realm:
    """A realm that runs: its files, and the environment of programs that use it."""

    folder: Path
    keytab: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes programs use the realm, with a ticket cache of its own."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5CCNAME": f"FILE:{self.folder / 'tickets'}",
                "KRB5_KTNAME": f"FILE:{self.keytab}", "KRB5RCACHETYPE": "none",
                "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def log_in(self, name: str, password: str) -> None:
        """Get a ticket for a principal, into the cache."""
        programs.run(programs.find("kinit"), f"{name}@{REALM}", stdin=f"{password}\n".encode(),
                     env={**os.environ, **self.environment}, timeout=30)


@contextlib.contextmanager
def realm(users: dict[str, str]) -> Iterator[Realm]:
    """Run a realm for the block, with users and their passwords, and the keytab of a service on localhost."""
    names = ("krb5kdc", "kdb5_util", "kadmin.local")
    centre, database, admin = (programs.find(name) for name in names)
    with tempfile.TemporaryDirectory(prefix="wcow-realm-") as temporary:
        folder = Path(temporary)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            " rdns = false\n dns_canonicalize_hostname = false\n udp_preference_limit = 1\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n localhost = {REALM}\n")
        (folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n"
            f"  acl_file = {folder}/acl\n }}\n[logging]\n kdc = FILE:{folder}/kdc.log\n")
        made = Realm(folder, folder / "http.keytab")
        environment = {**os.environ, **made.environment}
        programs.run(database, "create", "-s", "-P", "master", "-r", REALM, env=environment, timeout=60)
        for name, password in users.items():
            programs.run(admin, "-r", REALM, "-q", f'addprinc -pw "{password}" {name}', env=environment, timeout=30)
        for service in SERVICES:
            for line in (f"addprinc -randkey {service}", f"ktadd -k {made.keytab} {service}"):
                programs.run(admin, "-r", REALM, "-q", line, env=environment, timeout=30)
        with subprocess.Popen([centre, "-n", "-r", REALM], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _answers(port)
                yield made
            finally:
                process.terminate()


def _answers(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise programs.Unavailable("the key distribution centre does not answer")
