# SPDX-License-Identifier: Apache-2.0
"""A ``wcow host`` reached by ssh: OpenSSH's client and its sftp, Ansible, PowerShell's own remoting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import engine, programs, sandboxes, users, windows_programs
from support.terminals import terminal

pytestmark = pytest.mark.slow
pytest.importorskip("asyncssh", reason="asyncssh is not installed: pip install 'wcow[host]'")

PASSWORD = "Pass word.1"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that runs; ``folder`` is for the test's files."""

    folder: Path
    environment: dict[str, str]
    port: int

    def wcow(self, *words: str) -> str:
        return subprocess.run([sys.executable, "-m", "imagebuild", *words], env=self.environment, check=True,
                              capture_output=True, text=True, timeout=300).stdout

    def words(self, program: str = "ssh") -> list[str]:
        return [str(programs.find(program)), "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=no", "-o",
                "IdentitiesOnly=yes", "-P" if program == "sftp" else "-p", str(self.port)]

    def ssh(self, command: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*self.words(), "Administrator@127.0.0.1", command], input=data, capture_output=True,
                              env=self.environment, timeout=120, check=False)

    def sftp(self, *lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.words("sftp"), "-b", "-", "Administrator@127.0.0.1"],
                              input="\n".join((*lines, "")), capture_output=True, text=True, env=self.environment,
                              timeout=120, check=False, cwd=self.folder)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with programs.skipping():
        programs.find("ssh")
    with sandboxes.folder() as folder:
        (folder / "engine").mkdir()
        with programs.skipping():
            engine.template(folder / "engine" / "sandbox", users.ourselves())
        ask = folder / "ask"
        ask.write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
        ask.chmod(0o700)
        environment = {**os.environ, "WCOW_ENGINE_ROOT": str(folder / "engine"), "WCOW_HOST_PASSWORD": PASSWORD,
                       "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "HOME": str(folder)}
        made = Host(folder, environment, 0)
        try:
            port = json.loads(made.wcow("host", "start", "win", "--format", "json"))["ssh_port"]
            with programs.skipping():
                named = users.named(folder)
            yield Host(folder, {**environment, **named}, port)
        finally:
            made.wcow("host", "remove", "-f", "win")


def test_a_command_runs_in_cmd_with_its_input_output_and_exit_code(host: Host) -> None:
    done = host.ssh('echo "a b" %OS% & findstr input & exit 5', b"no\r\nsome input\r\n")
    assert (done.stdout, done.stderr, done.returncode) == (b'"a b" Windows_NT \r\nsome input\r\n', b"", 5)
    done = host.ssh("dir C:\\nosuch")
    assert done.stderr
    assert done.returncode == 1


def test_a_terminal_shows_the_prompt_takes_ctrl_c_and_ends_with_the_code(host: Host) -> None:
    with terminal(*host.words(), "-tt", "Administrator@127.0.0.1", env=host.environment) as shown:
        shown.read_to(b">", 60)
        shown.type(b"ping -n 600 127.0.0.1\r")
        shown.read_to(b"\r\n")
        shown.read(3)
        shown.type(b"\x03")
        shown.read_to(b">")
        shown.type(b"exit 3\r")
        assert shown.wait() == 3


def test_files_come_and_go_by_sftp_with_windows_rules(host: Host) -> None:
    data = os.urandom(3_000_001)
    (host.folder / "up.bin").write_bytes(data)
    done = host.sftp("mkdir /C:/box", "put up.bin /C:/box/Grün.bin", "ls -l /C:/box", "get /C:/box/GRÜN.BIN back.bin",
                     "rename /C:/box/Grün.bin /C:/box/b.bin", "ls -1 /C:/box", "chmod 444 /C:/box/b.bin", "ls -1 /")
    assert done.returncode == 0, done.stderr
    assert (host.folder / "back.bin").read_bytes() == data
    assert " 3000001 " in done.stdout
    assert "\n/C:/box/b.bin\n" in done.stdout
    assert "R" in host.ssh(r"attrib C:\box\b.bin").stdout.decode().partition("C:")[0]


@pytest.mark.parametrize(("line", "words"), [
    ("rm /C:/nosuch", "No such file"), ("rmdir /C:/windows", "Failure"), ("get /C:/nosuch/x y", "not found"),
    ("cd /D:/", "No such file"), ("mkdir /C:/windows", "Failure"), ("ls /C:/no\u2713such", "not found")])
def test_sftp_says_what_cannot_be_done(host: Host, line: str, words: str) -> None:
    done = host.sftp(line)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_big_tree_goes_by_sftp_and_comes_back_the_same(host: Host) -> None:
    tree = host.folder / "tree"
    for number in range(250):
        (tree / f"d{number % 7}").mkdir(parents=True, exist_ok=True)
        (tree / f"d{number % 7}" / f"f{number}.txt").write_text(f"{number}\n" * number)
    done = host.sftp("put -r tree /C:/tree", "get -r /C:/tree again")
    assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(tree) for path in tree.rglob("*") if path.is_file())
    assert len(files) == 250
    assert all((host.folder / "again" / name).read_bytes() == (tree / name).read_bytes() for name in files)


@pytest.mark.parametrize("rest", [b"", b"\0\0\0\4\xff\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\1\0" + bytes(40)])
def test_each_broken_message_of_sftp_is_answered_and_the_next_one_is_heard(host: Host, rest: bytes) -> None:
    def message(kind: int, content: bytes) -> bytes:
        return (len(content) + 1).to_bytes(4, "big") + bytes([kind]) + content

    broken = b"".join(message(kind, kind.to_bytes(4, "big") + rest) for kind in (*range(3, 21), 77, 200))
    whole = message(16, (500).to_bytes(4, "big") + b"\0\0\0\1.")
    done = subprocess.run([*host.words(), "-s", "Administrator@127.0.0.1", "sftp"], capture_output=True, timeout=60,
                          input=message(1, b"\0\0\0\3") + broken + whole, env=host.environment, check=False)
    numbers, said = [], done.stdout
    while said:
        size = int.from_bytes(said[:4], "big")
        numbers.append(int.from_bytes(said[5:9], "big"))
        said = said[4 + size:]
    assert numbers == [3, *range(3, 21), 77, 200, 500]


@pytest.fixture(scope="module")
def with_powershell(host: Host) -> Host:
    """The same host, started again with PowerShell; its ports may be others."""
    with programs.skipping():
        powershell = windows_programs.powershell()
    host.wcow("powershell", "install", "--from", str(powershell))
    host.wcow("host", "stop", "win")
    port = json.loads(host.wcow("host", "start", "win", "--format", "json"))["ssh_port"]
    return Host(host.folder, host.environment, port)


def test_the_shell_is_the_one_that_the_registry_names(with_powershell: Host) -> None:
    key, path = r"HKLM\SOFTWARE\OpenSSH", r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
    assert with_powershell.ssh(f"reg add {key} /v DefaultShell /t REG_SZ /d {path} /f").returncode == 0
    done = with_powershell.ssh('"in $($Host.Name)"; exit 4')
    assert (done.stdout, done.returncode) == (b"in ConsoleHost\r\n", 4)
    assert with_powershell.ssh(f"reg delete {key} /f").returncode == 0
    assert with_powershell.ssh("echo in %COMSPEC%").stdout.lower() == b"in c:\\windows\\system32\\cmd.exe\r\n"


def test_ansibles_own_ssh_connection_plays_on_it(with_powershell: Host) -> None:
    pytest.importorskip("ansible", reason="ansible is not installed: pip install 'wcow[test]'")
    host = with_powershell
    inventory = host.folder / "hosts.ini"
    inventory.write_text(host.wcow("host", "inventory", "win", "--connection", "ssh"))
    (host.folder / "file.txt").write_text("by ansible\n")
    play = host.folder / "play.yml"
    play.write_text("- hosts: windows\n  gather_facts: false\n  tasks:\n"
                    "  - ansible.windows.win_ping:\n"
                    "  - ansible.windows.win_copy: {src: file.txt, dest: 'C:\\from.txt'}\n"
                    "  - ansible.windows.win_command: cmd.exe /c type C:\\from.txt\n    register: said\n"
                    "  - ansible.builtin.fetch: {src: 'C:\\from.txt', dest: back.txt, flat: true}\n"
                    "  - ansible.builtin.assert: {that: \"said.stdout == 'by ansible\\n'\"}\n")
    done = subprocess.run([Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, play], text=True,
                          env={**host.environment, "ANSIBLE_HOST_KEY_CHECKING": "false", "LC_ALL": "C.UTF-8"},
                          capture_output=True, timeout=280, check=False, cwd=host.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (host.folder / "back.txt").read_text() == "by ansible\n"


def test_powershells_own_remoting_opens_a_session_by_ssh(with_powershell: Host) -> None:
    with programs.skipping():
        here = windows_programs.linux_powershell()
    host = with_powershell
    (host.folder / "sent.txt").write_text("sent\n")
    script = host.folder / "session.ps1"
    script.write_text(f"""
$s = New-PSSession -HostName 127.0.0.1 -Port {host.port} -UserName Administrator -Options @{{
    StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null'; LogLevel = 'ERROR'}}
Invoke-Command -Session $s {{ "on $env:COMPUTERNAME" }}
Copy-Item -ToSession $s {host.folder}/sent.txt C:\\sent.txt
Invoke-Command -Session $s {{ Get-Content C:\\sent.txt }}
Remove-PSSession $s
""")
    done = subprocess.run([here, "-NoProfile", "-File", script], capture_output=True, text=True, timeout=200,
                          env=host.environment, check=False)
    assert done.stdout == "on WIN\nsent\n", done.stdout + done.stderr
