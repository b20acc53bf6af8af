# SPDX-License-Identifier: Apache-2.0
"""Certificates, good and bad, and a server that has them, in a network of its own that a box can be in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagebuild.runtime import Namespace
from imagebuild.runtime.linux.account import Account

from . import box_network, programs

HOST = "localhost"
KINDS = ("good", "unknown", "selfsigned", "expired", "wrong")
"""Signed by the CA; by another one; by itself; by the CA until yesterday; by the CA for another name."""

_SERVER = """
import http.server, ssl, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *args):
        pass
ports = []
for path in sys.argv[1:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports.append(server.server_address[1])
print(*ports, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Certificates:
    """``ca`` and ``other`` are PEM files; each of :data:`KINDS` is there as ``KIND.pem`` (with its key) and
    ``KIND.der``."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other(self) -> Path:
        return self.folder / "other.pem"

    def pem(self, kind: str) -> Path:
        return self.folder / f"{kind}.pem"

    def der(self, kind: str) -> Path:
        return self.folder / f"{kind}.der"


def make(folder: Path) -> Certificates:
    """Make them; Unavailable without openssl."""
    openssl = programs.find("openssl")

    def run(*args: str | Path) -> None:
        programs.run(openssl, *args, cwd=folder)

    def key(name: str) -> None:
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", f"{name}.key")

    for name in ("ca", "other"):
        key(name)
        run("req", "-x509", "-key", f"{name}.key", "-subj", f"/CN=Test {name}", "-days", "30", "-out", f"{name}.pem")
    for kind in KINDS:
        key(kind)
        named = "elsewhere.example" if kind == "wrong" else HOST
        signer = {"unknown": "other", "selfsigned": kind}.get(kind, "ca")
        signed = ("-key", f"{kind}.key") if signer == kind else ("-CA", f"{signer}.pem", "-CAkey", f"{signer}.key",
                                                                 "-key", f"{kind}.key")
        times = ("-not_before", "20240101000000Z", "-not_after", "20240201000000Z") if kind == "expired" else (
            "-days", "30")
        run("req", "-x509", *signed, "-subj", f"/CN={named}", "-addext", f"subjectAltName=DNS:{named}", "-addext",
            "basicConstraints=critical,CA:FALSE", *times, "-out", f"{kind}.crt")
        (folder / f"{kind}.pem").write_bytes((folder / f"{kind}.key").read_bytes()
                                             + (folder / f"{kind}.crt").read_bytes())
    for name in (*KINDS, "ca", "other"):
        source = f"{name}.crt" if name in KINDS else f"{name}.pem"
        run("x509", "-in", source, "-outform", "DER", "-out", f"{name}.der")
    for path in folder.iterdir():
        path.chmod(0o644)
    return Certificates(folder)


@contextlib.contextmanager
def serving(certificates: Certificates, account: Account) -> Iterator[tuple[Namespace, dict[str, int]]]:
    """A network with a server for each kind, and their ports. The network is the account's, as boxes' are."""
    with box_network.serving(account, _SERVER, *(str(certificates.pem(kind)) for kind in KINDS)) as (network, line):
        ports = [int(port) for port in line.split()]
        if len(ports) != len(KINDS):
            raise programs.Unavailable("no network namespace can be made here")
        yield network, dict(zip(KINDS, ports, strict=True))
