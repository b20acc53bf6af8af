# SPDX-License-Identifier: Apache-2.0
"""Which certificates programs of a box trust."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import certificates, programs, sandboxes, windows_programs
from support.certificates import Certificates
from support.sandboxes import Boxes, run, start

from imagebuild.errors import UsageError
from imagebuild.runtime import Box, Mount, Namespace, WineSandbox
from imagebuild.runtime.linux import account
from imagebuild.runtime.registry import roots
from imagebuild.runtime.registry.registry import Prefix, changes_of

PROGRAM = Path(__file__).with_name("tls.c")
UNTRUSTED, EXPIRED, NO_MATCH = "800b0109", "800b0101", "800b010f"
"""CERT_E_UNTRUSTEDROOT, CERT_E_EXPIRED, CERT_E_CN_NO_MATCH."""


# --- the file

@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    with programs.skipping():
        return certificates.make(tmp_path_factory.mktemp("certificates"))


def test_each_certificate_is_there_once_under_its_hash(made: Certificates) -> None:
    one, two = (path.read_bytes() for path in (made.ca, made.other))
    packed = roots.pack(b"# a comment\n" + one + b"junk" + two.replace(b"\n", b"\r\n") + one)
    assert packed == roots.pack(one) + roots.pack(two)
    der = ssl.PEM_cert_to_DER_cert(one.decode())
    assert packed[:40].decode() == hashlib.sha1(der).hexdigest().upper()
    length = int(packed[40:48], 16)
    assert packed[48:48 + length].endswith(der) and length == len(der) + 12


@pytest.mark.parametrize("text", [b"", b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
                                  b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
                                  b"-----BEGIN CERTIFICATE-----\n" + b"A" * 70000, b"\x30\x82\x01\x00"])
def test_a_file_without_a_certificate_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(text)
    with pytest.raises(UsageError, match="no certificate is in it"):
        roots.read(path)
    with pytest.raises(UsageError, match="No such file"):
        roots.read(tmp_path / "missing")


def test_a_megabyte_of_anything_is_looked_through_in_no_time() -> None:
    begin = time.monotonic()
    for text in (b"-----BEGIN CERTIFICATE-----\n" * 40000, b"A" * (1 << 20),
                 b"-----BEGIN CERTIFICATE-----" + b" " * (1 << 20)):
        assert roots.pack(text) == b""
    assert time.monotonic() - begin < 20


def test_a_machine_without_roots_says_that_nothing_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(roots, "MACHINE", (tmp_path / "missing",))
    sandbox = WineSandbox(tmp_path)
    assert roots.GAP in sandbox.facts().gaps
    named = WineSandbox(tmp_path, ca=tmp_path / "ca.pem")
    assert roots.GAP not in named.facts().gaps
    sandbox.close()
    named.close()


# --- programs

@dataclass
class Trusting:
    """Boxes that trust the test's CA alone, in a network with its servers."""

    boxes: Boxes
    made: Certificates
    network: Namespace
    ports: dict[str, int]

    def open(self) -> Box:
        """A box that runs."""
        box = self.boxes.open(network=self.network)
        start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
        return box

    def get(self, box: Box, kind: str, flags: int = 0) -> str:
        """What WinHTTP says of a server."""
        return run(box, rf"C:\tls get localhost {self.ports[kind]} {flags}", main=False).out.strip()

    def chain(self, box: Box, kind: str) -> list[str]:
        """What is wrong with a chain, and what the policies for certificates and for servers say."""
        return run(box, rf"C:\tls chain C:\{kind}.der localhost", main=False).out.split()


@pytest.fixture(scope="module")
def sandbox_of_ca(made: Certificates) -> Iterator[WineSandbox]:
    with programs.skipping():
        sandboxes.open_sandbox().close()
    sandbox = WineSandbox(sandboxes.home(), ca=made.ca)
    sandbox.prepare()
    yield sandbox
    sandbox.close()


@pytest.fixture
def trusting(sandbox_of_ca: WineSandbox, made: Certificates) -> Iterator[Trusting]:
    with programs.skipping(), sandboxes.folder() as root:
        program = sandboxes.compile_program(PROGRAM, "-municode", "-lwinhttp", "-lcrypt32")
        boxes = Boxes(sandbox_of_ca, root)
        boxes.add_program(program, "tls.exe")
        open_to_all = root / "certificates"
        shutil.copytree(made.folder, open_to_all)
        open_to_all.chmod(0o755)
        for path in open_to_all.glob("*.der"):
            boxes.add_program(path, path.name)
        with certificates.serving(Certificates(open_to_all), account.choose()) as (network, ports):
            yield Trusting(boxes, made, network, ports)
            boxes.close()


def thumb_of(made: Certificates) -> str:
    """Under which name Windows keeps the other CA."""
    return hashlib.sha1(made.der("other").read_bytes()).hexdigest().upper()


@pytest.mark.slow
def test_only_what_the_ca_signed_for_this_name_and_day_is_trusted(trusting: Trusting) -> None:
    box = trusting.open()
    assert {kind: trusting.get(box, kind) == "ok" for kind in certificates.KINDS} == {
        "good": True, "unknown": False, "selfsigned": False, "expired": False, "wrong": False}
    # Each is refused for its own reason and no other: with that one ignored it is taken.
    for kind, flag in (("unknown", 0x100), ("selfsigned", 0x100), ("expired", 0x2000), ("wrong", 0x1000)):
        assert trusting.get(box, kind, flag) == "ok", kind
        assert trusting.get(box, kind, 0x3300 & ~flag) != "ok", kind


@pytest.mark.slow
def test_curl_takes_and_refuses_the_same(trusting: Trusting) -> None:
    box = trusting.open()
    for kind in certificates.KINDS:
        url = f"https://localhost:{trusting.ports[kind]}/"
        done = run(box, f"curl -sS {url}", main=False)
        assert (done.code, done.out) == ((0, "ok") if kind == "good" else (60, "")), kind
        assert done.err.startswith("" if kind == "good" else "curl: (60) schannel: the certificate of localhost")
        assert run(box, f"curl -sk {url}", main=False).out == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--proto =https", "--proto-redir =https"])
def test_curl_leaves_https_only_where_it_may(trusting: Trusting, option: str) -> None:
    box = trusting.open()
    url = f"https://localhost:{trusting.ports['good']}/away"
    assert run(box, f"curl -sL {url}", main=False).code == 7  # nothing listens there: it went
    done = run(box, f"curl -sSL {option} {url}", main=False)
    assert done.code == 1
    assert 'curl: (1) Protocol "http" disabled' in done.err


@pytest.mark.slow
def test_the_policies_that_programs_leave_the_verdict_to_refuse_them_too(trusting: Trusting) -> None:
    """.NET and curl ask these. A server never sends its root, so the chain of an unknown one ends before it."""
    box = trusting.open()
    assert trusting.chain(box, "good") == ["00000000", "00000000", "00000000"]
    assert trusting.chain(box, "unknown")[1:] == [UNTRUSTED, UNTRUSTED]
    assert trusting.chain(box, "selfsigned")[1:] == [UNTRUSTED, UNTRUSTED]
    assert trusting.chain(box, "expired")[1:] == [EXPIRED, EXPIRED]
    assert trusting.chain(box, "wrong")[1:] == ["00000000", NO_MATCH]


@pytest.mark.slow
@pytest.mark.parametrize("store", ["machine", "user"])
def test_a_root_that_is_installed_counts_and_stays(trusting: Trusting, store: str) -> None:
    box = trusting.open()
    assert trusting.get(box, "unknown") != "ok"
    assert run(box, rf"C:\tls add {store} C:\other.der", main=False).code == 0
    for _ in range(2):
        assert (trusting.get(box, "unknown"), trusting.get(box, "good")) == ("ok", "ok")
    box.flush()
    box.close()
    again = trusting.open()
    assert (trusting.get(again, "unknown"), trusting.get(again, "good")) == ("ok", "ok")
    assert trusting.get(again, "selfsigned") != "ok"
    key = rf"{ {'machine': 'HKLM', 'user': 'HKCU'}[store] }\Software\Microsoft\SystemCertificates\Root\Certificates"
    assert run(again, rf"reg delete {key}\{thumb_of(trusting.made)} /f", main=False).code == 0
    assert (trusting.get(again, "unknown") == "ok", trusting.get(again, "good")) == (False, "ok")


@pytest.mark.slow
def test_only_what_was_installed_is_a_change_of_the_container(trusting: Trusting, sandbox_of_ca: WineSandbox) -> None:
    def hives() -> Prefix:
        folder = trusting.boxes.root / "box/prefix"
        return Prefix.parse(*((folder / name).read_bytes() for name in ("system.reg", "user.reg", "userdef.reg")))

    trusting.boxes.open(network=trusting.network)
    before = hives()
    box = trusting.open()
    assert trusting.get(box, "good") == "ok"
    box.flush()
    assert b"Blob" not in (trusting.boxes.root / "box/prefix/system.reg").read_bytes()
    assert run(box, r"C:\tls add machine C:\other.der", main=False).code == 0
    box.flush()
    edited = {edit.path.partition("SystemCertificates\\")[2] for change in changes_of(before, hives())
              for edit in change.edits}
    assert edited == {f"Root\\Certificates\\{thumb_of(trusting.made)}"}


@pytest.mark.slow
def test_a_program_that_asks_at_once_waits_for_the_roots(trusting: Trusting) -> None:
    box = trusting.boxes.open(network=trusting.network)
    assert run(box, rf"C:\tls get localhost {trusting.ports['good']}").out == "ok\n"


@pytest.mark.slow
def test_where_no_one_asks_there_are_none_and_the_registry_is_not_written(trusting: Trusting) -> None:
    box = trusting.boxes.open(network=trusting.network)
    hive = trusting.boxes.root / "box/prefix/system.reg"
    before = hive.stat()
    assert run(box, "cmd /c ping -n 1 -w 300 127.0.0.1 >nul & reg query HKCU >nul").code == 0
    after = hive.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.slow
def test_with_nothing_named_the_roots_of_this_machine_are_there(boxes: Boxes) -> None:
    if roots.of_machine() is None:
        pytest.skip(roots.GAP)
    box = boxes.open()
    start(box, "probe sleep")
    key = r"HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates"
    assert sandboxes.wait_for(lambda: run(box, f"reg query {key}", main=False).out.count("Certificates\\") > 50)


ASK = """
$loader = [System.Security.Cryptography.X509Certificates.X509CertificateLoader]
foreach ($pair in '%s'.Split()) {
    $kind, $port = $pair.Split('=')
    try { "$kind " + (Invoke-WebRequest -TimeoutSec 30 https://localhost:$port/).StatusCode }
    catch { "$kind " + $_.Exception.InnerException.Message }
    $file = $loader::LoadCertificateFromFile("C:\\$kind.der")
    $chain = [System.Security.Cryptography.X509Certificates.X509Chain]::new()
    $chain.ChainPolicy.RevocationMode = 'NoCheck'
    "$kind " + $chain.Build($file)
}
"""
ADD = """
$loader = [System.Security.Cryptography.X509Certificates.X509CertificateLoader]
$store = [System.Security.Cryptography.X509Certificates.X509Store]::new('Root', 'LocalMachine')
$store.Open('ReadWrite')
$store.Add($loader::LoadCertificateFromFile('C:\\other.der'))
$store.Close()
"""


@pytest.mark.slow
def test_dotnet_refuses_each_for_its_reason_and_trusts_what_it_installed(trusting: Trusting) -> None:
    with programs.skipping():
        powershell = windows_programs.powershell()
    for name, script in (("ask.ps1", ASK % " ".join(f"{kind}={port}" for kind, port in trusting.ports.items())),
                         ("add.ps1", ADD)):
        (trusting.boxes.layer / name).write_text(script)
        (trusting.boxes.layer / name).chmod(0o644)
    box = trusting.boxes.open(network=trusting.network, mounts=(Mount(powershell, "C:\\pwsh", True),))
    start(box, "cmd /c ping -n 200 127.0.0.1 >nul")

    def ask() -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for line in run(box, r"C:\pwsh\pwsh.exe -NoProfile -File C:\ask.ps1", main=False).out.splitlines():
            kind, _, said = line.partition(" ")
            out.setdefault(kind, []).append(said)
        return out

    said = ask()
    assert said["good"] == ["200", "True"]
    for kind, why in (("unknown", "UntrustedRoot"), ("selfsigned", "UntrustedRoot"), ("expired", "NotTimeValid")):
        assert why in said[kind][0] and said[kind][1] == "False", said
    assert "RemoteCertificateNameMismatch" in said["wrong"][0] and said["wrong"][1] == "True"
    done = run(box, r"C:\pwsh\pwsh.exe -NoProfile -File C:\add.ps1", main=False)
    assert (done.code, done.err) == (0, "")
    assert ask()["unknown"] == ["200", "True"]
