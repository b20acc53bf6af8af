# SPDX-License-Identifier: Apache-2.0
"""Clients of WinRM that are not Python's: curl, a Go program, gss-ntlmssp's NTLM, winrmcp."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ansible_hosts, programs
from support.winrm_envelopes import SHELLS
from support.winrm_machine import ShellMachine
from support.winrm_service import PASSWORD, USER, Served, serving

NO_COLON = "pass-word1"
"""The file of gss-ntlmssp has a colon between its fields."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("winrm"), ShellMachine()) as one:
        yield one


@pytest.fixture
def second_ntlm(tmp_path: Path) -> dict[str, str]:
    """The environment of a program whose GSS-API has gss-ntlmssp and a password."""
    if not Path("/etc/gss/mech.d/mech.ntlmssp.conf").exists():
        with programs.skipping():
            raise programs.Unavailable("no second NTLM is here: apt-get install gss-ntlmssp")
    (tmp_path / "credentials").write_text(f"STANDIN:{USER}:{NO_COLON}\n")
    return {**os.environ, "NTLM_USER_FILE": str(tmp_path / "credentials"), "KRB5CCNAME": f"FILE:{tmp_path}/none"}


def curl(port: int, *options: str, env: dict[str, str] | None = None) -> str:
    with programs.skipping():
        program = programs.find("curl")
    return programs.run(program, "-sSk", *options, "-H", "Content-Type: application/soap+xml;charset=UTF-8", "-d",
                        SHELLS, "-w", "\n%{http_code}", f"https://127.0.0.1:{port}/wsman", env=env, timeout=30).stdout


@pytest.mark.parametrize("login", ["--ntlm", "--basic"])
def test_curl_logs_in_with_its_own_code(served: Served, login: str) -> None:
    said = curl(served.tls_port, login, "-u", f"{USER}:{PASSWORD}")
    assert "EnumerateResponse" in said
    assert said.endswith("\n200")
    assert curl(served.tls_port, login, "-u", f"{USER}:wrong").endswith("\n401")


def test_curl_negotiates_by_gss_ntlmssp(second_ntlm: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, ShellMachine(), password=NO_COLON) as served:
        said = curl(served.tls_port, "--negotiate", "-u", ":", env=second_ntlm)
    assert "EnumerateResponse" in said
    assert said.endswith("\n200")


@pytest.mark.slow
@pytest.mark.parametrize("login", ["basic", "ntlm"])
def test_a_go_program_runs_commands_with_input_and_exit_code(served: Served, login: str) -> None:
    with programs.skipping():
        client = programs.winrm_client()
    words = [login, str(served.tls_port), USER, PASSWORD]
    done = programs.run(client, *words, "cat; echo err >&2; exit 7", stdin=b"from go\n" * 30_000, ok=False, timeout=60)
    assert (done.returncode, done.stderr) == (7, "err\n")
    assert done.stdout == "from go\n" * 30_000
    assert programs.run(client, *words[:3], "wrong", "true", ok=False).returncode == 99


@pytest.mark.slow
def test_winrmcp_brings_a_file_with_the_same_hash(tmp_path: Path) -> None:
    with programs.skipping():
        winrmcp = programs.find("winrmcp")
        data = os.urandom(30_000)
        (tmp_path / "file.bin").write_bytes(data)
        with ansible_hosts.host() as host:
            programs.run(winrmcp, "-user", "Administrator", "-pass", ansible_hosts.PASSWORD, "-https", "-insecure",
                         "-addr", f"127.0.0.1:{host.document['winrm_tls_port']}", tmp_path / "file.bin",
                         r"C:\copied\file.bin", timeout=200)
            said = host.controller().shell(r"(Get-FileHash C:\copied\file.bin).Hash")
    assert said.strip().lower() == hashlib.sha256(data).hexdigest()
