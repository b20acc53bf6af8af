# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end of a connection: Basic, Negotiate (NTLM, Kerberos), CredSSP.

Negotiate and CredSSP belong to the TCP connection, as with Windows' HTTP server: once they are complete, what follows
on it is that user's, and its messages are sealed by the same context.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .accounts import Account, Accounts

log = logging.getLogger("wcow.hostd.winrm")

TOKEN = 65_536
"""Characters of an Authorization header at most; a Kerberos ticket with its groups has some 12,000."""

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""The header of a client that logs in by its TLS certificate."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Ways to log in that a listener offers. Basic goes over TLS only, unless ``unencrypted`` says otherwise. Kerberos
    needs a keytab, which ``KRB5_KTNAME`` of this process names, and the Python package gssapi."""

    basic: bool = True
    kerberos: bool = False
    negotiate: bool = True
    credssp: bool = True
    unencrypted: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What one Authorization header led to: the user when it is complete, else the challenges to send with 401."""

    user: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def done(self) -> bool:
        """Whether the user is known."""
        return bool(self.user)


@dataclass(slots=True, eq=False)
class Login:
    """The login of one connection."""

    accounts: Accounts
    offered: Offered
    tls: bool
    certificate: tuple[str, str] = ("", "")  #: PEM files of the host's certificate and key, which CredSSP needs
    owner: str = ""  #: whom the client's TLS certificate is for, which the listener has verified
    user: str = ""
    scheme: str = ""
    _context: Any = None

    @property
    def challenges(self) -> tuple[tuple[str, str], ...]:
        """The headers of a first 401."""
        out = []
        if self.offered.negotiate:
            out.append("Negotiate")
        if self.offered.kerberos:
            out.append("Kerberos")
        if self.offered.credssp and self.certificate[0]:
            out.append("CredSSP")
        if self._basic:
            out.append('Basic realm="WSMAN"')
        return tuple(("WWW-Authenticate", one) for one in out)

    @property
    def _basic(self) -> bool:
        return self.offered.basic and (self.tls or self.offered.unencrypted)

    def step(self, header: str) -> Step:
        """Take an Authorization header; every fault of it is a 401 with new challenges."""
        scheme, _unused, value = header.strip().partition(" ")
        if len(header) > TOKEN:
            return self._refused()
        if header.strip() == MUTUAL:
            return self._certificate()
        if scheme.lower() == "basic" and self._basic:
            return self._password(value)
        offered = {"negotiate": self.offered.negotiate, "ntlm": self.offered.negotiate,
                   "kerberos": self.offered.kerberos, "credssp": self.offered.credssp and bool(self.certificate[0])}
        if not offered.get(scheme.lower()):
            return self._refused()
        try:
            token = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return self._refused()
        return self._token(scheme, token)

    def _certificate(self) -> Step:
        account = self.accounts.find(self.owner) if self.owner else None
        if account is None:
            return self._refused()
        self.user, self.scheme = account.name, "certificate"
        return Step(account.name)

    def _password(self, value: str) -> Step:
        try:
            name, _unused, password = base64.b64decode(value, validate=True).decode("utf-8", "strict").partition(":")
        except (binascii.Error, ValueError):  # no login: refused as a wrong password is
            return self._refused()
        account = self.accounts.check(name, password)
        if account is None:
            log.info("wrong password for %r", name[:64])
            return self._refused()
        self.user, self.scheme = account.name, "basic"
        return Step(account.name)

    def _token(self, scheme: str, token: bytes) -> Step:
        """One leg. A client that begins anew, as pywinrm does on a kept connection, gets a new context."""
        from spnego.exceptions import SpnegoError

        raw = token.startswith(b"NTLMSSP\0")
        begins = raw and token[8:12] == b"\1\0\0\0"
        if self._context is None or self._context.complete or begins:
            self.user, self._context = "", self._new(scheme, raw)
        try:
            out = self._context.step(token)
        except (SpnegoError, ValueError, KeyError, IndexError, TypeError, OSError) as error:
            name = ntlm_user(token)
            log.info("login of %r refused: %s", name[:64], type(error).__name__)
            if name:
                self.accounts.failed(name)
            return self._refused()
        answer = f"{scheme} {base64.b64encode(out).decode()}" if out else scheme
        if not self._context.complete:
            return Step("", (("WWW-Authenticate", answer),))
        name = str(self._context.client_principal or "")
        account = self._account(name)
        if account is None or self.accounts.locked(account.name):
            return self._refused()
        self.accounts.succeeded(account.name)
        self.user, self.scheme = account.name, "credssp" if scheme.lower() == "credssp" else (
            "kerberos" if scheme.lower() == "kerberos" else "negotiate")
        return Step(account.name, (("WWW-Authenticate", answer),) if out else ())

    def _account(self, name: str) -> Account | None:
        """Return the account of a login. A principal of Kerberos is one of the realm that the keytab is of, and stands
        for the account with its name, as an account of a domain that is in the host's group of administrators does."""
        if self.offered.kerberos and self._context.negotiated_protocol == "kerberos":
            return self.accounts.find(name.partition("@")[0].partition("/")[0])
        return self.accounts.find(name)

    def _new(self, scheme: str, raw: bool) -> Any:
        import spnego

        if scheme.lower() == "credssp":
            return _credssp(self.accounts.machine, self.certificate)
        protocol = "ntlm" if raw else "kerberos" if scheme.lower() == "kerberos" else "negotiate"
        return spnego.server(hostname=self.accounts.machine, service="http", protocol=protocol,
                             options=spnego.NegotiateOptions.use_negotiate if protocol == "negotiate" else
                             spnego.NegotiateOptions.none)

    def _refused(self) -> Step:
        self.user, self._context = "", None
        return Step("", self.challenges)

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """Open a part of an encrypted message."""
        return bytes(self._context.unwrap_winrm(signature, sealed))

    def seal(self, plain: bytes) -> tuple[bytes, bytes]:
        """Seal a part of an answer."""
        made = self._context.wrap_winrm(plain)
        return bytes(made.header), bytes(made.data)

    @property
    def seals(self) -> bool:
        """Whether messages of this connection can be sealed."""
        return self._context is not None and self._context.complete


def ntlm_user(token: bytes) -> str:
    """Return the user that an NTLM AUTHENTICATE message names (MS-NLMP 2.2.1.3), wherever in the token it lies."""
    at = token.find(b"NTLMSSP\0\3\0\0\0")
    if at < 0 or len(token) < at + 44:
        return ""
    length, _unused, offset = struct.unpack_from("<HHI", token, at + 36)
    return token[at + offset:at + offset + length].decode("utf-16-le", "replace")


def store(accounts: Accounts) -> int:
    """Give pyspnego's NTLM acceptor the accounts; return the descriptor of the file in memory that it reads. It knows
    one way only, a path in the variable NTLM_USER_FILE of this process."""
    descriptor = os.memfd_create("ntlm-accounts", os.MFD_CLOEXEC)
    os.write(descriptor, accounts.ntlm_lines().encode())
    os.environ["NTLM_USER_FILE"] = f"/proc/self/fd/{descriptor}"
    return descriptor


def _credssp(machine: str, certificate: tuple[str, str]) -> Any:
    import spnego
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from spnego.tls import default_tls_context

    tls = default_tls_context("accept")
    tls.context.load_cert_chain(*certificate)
    key = x509.load_pem_x509_certificate(Path(certificate[0]).read_bytes()).public_key()
    tls.public_key = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return spnego.server(hostname=machine, protocol="credssp", credssp_tls_context=tls)
