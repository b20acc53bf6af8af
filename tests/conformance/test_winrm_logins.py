# SPDX-License-Identifier: Apache-2.0
"""Logins by Kerberos, by CredSSP and by a client's certificate."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import kerberos, programs
from support.winrm_envelopes import SHELLS
from support.winrm_machine import ShellMachine
from support.winrm_service import PASSWORD, USER, Served, serving

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of clients


@pytest.fixture(scope="module")
def realm() -> Iterator[kerberos.Realm]:
    with programs.skipping(), kerberos.realm({USER: PASSWORD, "stranger": PASSWORD}) as made:
        yield made


@pytest.fixture
def served(realm: kerberos.Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in ("gssapi", "krb5"):
        pytest.importorskip(name, reason=f"{name} is not installed: apt-get install libkrb5-dev gcc python3-dev; "
                            "pip install 'wcow[kerberos]'")
    for name, value in realm.environment.items():
        monkeypatch.setenv(name, value)
    realm.log_in(USER, PASSWORD)
    with serving(tmp_path, ShellMachine(), kerberos=True) as one:
        yield one


def run(port: int, **options: Any) -> tuple[int, bytes]:
    """A command by pypsrp."""
    shell = pytest.importorskip("pypsrp.shell", reason="pypsrp is not installed: pip install 'wcow[test]'")
    from pypsrp.wsman import WSMan

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wsman = WSMan("localhost", port=port, cert_validation=False, **options)
        with wsman, shell.WinRS(wsman) as opened:
            process = shell.Process(opened, "echo out; exit 3")
            process.invoke()
            return process.rc, process.stdout


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
@pytest.mark.parametrize("tls", [False, True])
def test_pypsrp_logs_in_by_kerberos(served: Served, auth: str, tls: bool) -> None:
    said = run(served.tls_port if tls else served.port, username=f"{USER}@{kerberos.REALM}", password=PASSWORD, ssl=tls,
               auth=auth, encryption="auto" if tls else "always")
    assert said == (3, b"out\n")


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
def test_pypsrp_logs_in_by_a_ticket_and_seals_its_messages(served: Served, auth: str) -> None:
    said = run(served.port, ssl=False, auth=auth, encryption="always")
    assert said == (3, b"out\n")


def test_curl_negotiates_by_a_ticket(served: Served, realm: kerberos.Realm) -> None:
    with programs.skipping():
        curl = programs.find("curl")
    said = programs.run(curl, "-sSk", "--negotiate", "-u", ":", "-H", "Content-Type: application/soap+xml", "-d",
                        SHELLS, "-w", "\n%{http_code}", f"https://localhost:{served.tls_port}/wsman",
                        env={**os.environ, **realm.environment}, timeout=30).stdout
    assert "EnumerateResponse" in said and said.endswith("\n200")


def test_a_principal_without_an_account_is_refused(served: Served) -> None:
    from pypsrp.exceptions import AuthenticationError

    with pytest.raises(AuthenticationError):
        run(served.port, username=f"stranger@{kerberos.REALM}", password=PASSWORD, ssl=False, auth="kerberos",
            encryption="always")


@pytest.mark.parametrize("tls", [False, True])
def test_pypsrp_logs_in_by_credssp(tmp_path: Path, tls: bool) -> None:
    pytest.importorskip("requests_credssp", reason="requests-credssp is not installed: pip install 'wcow[test]'")
    with serving(tmp_path, ShellMachine(), unencrypted=False) as one:
        said = run(one.tls_port if tls else one.port, username=USER, password=PASSWORD, ssl=tls, auth="credssp",
                   encryption="auto" if tls else "always")
    assert said == (3, b"out\n")


def certificates(folder: Path, *, name: str, upn: str = "") -> tuple[Path, Path, Path]:
    """An authority, and a client's certificate that it has signed, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    def subject(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def builder(text: str, key: Any) -> x509.CertificateBuilder:
        return (x509.CertificateBuilder().subject_name(subject(text)).issuer_name(subject("authority"))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=9)))

    authority = builder("authority", root).add_extension(x509.BasicConstraints(True, None), critical=True).sign(
        root, hashes.SHA256())
    client = builder(name, own)
    if upn:
        value = b"\x0c" + bytes([len(upn)]) + upn.encode()
        client = client.add_extension(x509.SubjectAlternativeName([x509.OtherName(
            ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), value)]), critical=False)
    paths = folder / "authority.pem", folder / "client.pem", folder / "client.key"
    for path, data in zip(paths, (
            authority.public_bytes(serialization.Encoding.PEM),
            client.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
            own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())), strict=True):
        path.write_bytes(data)
    return paths


@pytest.mark.parametrize(("name", "upn", "known"), [
    (USER, "", True), ("x", f"{USER}@localhost", True), ("stranger", "", False), (USER, "stranger@localhost", False)])
def test_a_certificate_logs_in_as_the_account_that_it_names(tmp_path: Path, name: str, upn: str, known: bool) -> None:
    from pypsrp.exceptions import AuthenticationError

    authority, certificate, key = certificates(tmp_path, name=name, upn=upn)
    with serving(tmp_path, ShellMachine(), authority=authority) as one:
        options = {"ssl": True, "auth": "certificate", "certificate_pem": str(certificate),
                   "certificate_key_pem": str(key)}
        if known:
            assert run(one.tls_port, **options) == (3, b"out\n")
        else:
            with pytest.raises(AuthenticationError):
                run(one.tls_port, **options)
        assert run(one.tls_port, username=USER, password=PASSWORD, ssl=True, auth="basic") == (3, b"out\n")


def test_a_certificate_of_another_authority_and_none_at_all_do_not_log_in(tmp_path: Path) -> None:
    from pypsrp.exceptions import AuthenticationError

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    authority, _certificate, _key = certificates(tmp_path / "one", name=USER)
    _authority, certificate, key = certificates(tmp_path / "two", name=USER)
    options = {"ssl": True, "auth": "certificate", "certificate_pem": str(certificate), "certificate_key_pem": str(key)}
    with serving(tmp_path, ShellMachine(), authority=authority) as one, \
            pytest.raises(Exception, match=r"SSL|TLS|alert|aborted"):
        run(one.tls_port, **options)
    with serving(tmp_path, ShellMachine()) as one, pytest.raises(AuthenticationError):
        run(one.tls_port, **options)
