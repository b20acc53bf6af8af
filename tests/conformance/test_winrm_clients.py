# SPDX-License-Identifier: Apache-2.0
"""Stock clients of WinRM, unchanged, against our service over a machine that needs no Windows."""

from __future__ import annotations

import http.client
import os
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import programs
from support.winrm_envelopes import SHELL, envelope
from support.winrm_machine import ShellMachine
from support.winrm_service import PASSWORD, USER, Served, serving

winrm = pytest.importorskip("winrm", reason="pywinrm is not installed: pip install 'wcow[test]'")
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning", "ignore::ResourceWarning",
                                        "ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("winrm"), ShellMachine()) as one:
        yield one


def session(served: Served, transport: str, *, tls: bool = False, password: str = PASSWORD, **more: Any) -> Any:
    address = f"https://127.0.0.1:{served.tls_port}/wsman" if tls else f"http://127.0.0.1:{served.port}/wsman"
    return winrm.Session(address, auth=(USER, password), transport=transport, server_cert_validation="ignore", **more)


@pytest.mark.parametrize(("transport", "tls", "encryption"), [
    ("basic", False, "auto"), ("basic", True, "auto"), ("ntlm", False, "auto"), ("ntlm", False, "always"),
    ("ntlm", True, "auto"), ("ntlm", True, "always")])
def test_pywinrm_runs_a_command_by_every_login(served: Served, transport: str, tls: bool, encryption: str) -> None:
    done = session(served, transport, tls=tls, message_encryption=encryption).run_cmd(
        "echo out; echo err >&2; exit 3")
    assert (done.status_code, done.std_out, done.std_err) == (3, b"out\n", b"err\n")


def test_a_wrong_password_and_a_stranger_are_refused(served: Served) -> None:
    from winrm.exceptions import InvalidCredentialsError

    for transport in ("basic", "ntlm"):
        with pytest.raises(InvalidCredentialsError):
            session(served, transport, password="wrong").run_cmd("echo x")
    assert session(served, "ntlm").run_cmd("echo x").status_code == 0


def test_input_is_streamed_and_its_end_reaches_the_program(served: Served) -> None:
    protocol = session(served, "ntlm", message_encryption="always").protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "cat", console_mode_stdin=False)
    for part in (b"one ", b"two ", bytes(range(256)) * 400):
        protocol.send_command_input(shell, command, part)
    protocol.send_command_input(shell, command, b"", end=True)
    out, err, code = protocol.get_command_output(shell, command)
    assert (out, err, code) == (b"one two " + bytes(range(256)) * 400, b"", 0)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)


def test_output_larger_than_any_envelope_comes_whole(served: Served) -> None:
    done = session(served, "basic").run_cmd("head -c 3000000 /dev/zero")
    assert done.std_out == bytes(3_000_000)


def test_the_shell_gives_environment_and_folder_to_its_commands(served: Served) -> None:
    protocol = session(served, "basic").protocol
    shell = protocol.open_shell(env_vars={"GREETING": "hällo"}, working_directory="C:\\app", codepage=65001)
    command = protocol.run_command(shell, "printf %s $GREETING")
    assert protocol.get_command_output(shell, command)[0].decode() == "hällo"
    started = served.machine.started[-1]
    assert (started.folder, started.code_page) == ("C:\\app", 65001)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)


def test_words_reach_the_machine_as_one_line_that_nothing_has_quoted(served: Served) -> None:
    protocol = session(served, "basic").protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "echo", ['"a b"', "%X%", "<&>'\""])
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    assert served.machine.started[-1].line == "cmd.exe /C \"echo \"a b\" %X% <&>'\"\""


def test_a_command_that_is_ended_and_a_shell_that_is_closed_leave_no_process(served: Served, tmp_path: Path) -> None:
    protocol = session(served, "basic").protocol
    shell = protocol.open_shell()
    for number in (1, 2):
        protocol.run_command(shell, f"echo $$ > {tmp_path}/{number}; sleep 600")
    while not all((tmp_path / str(number)).exists() and (tmp_path / str(number)).read_text() for number in (1, 2)):
        time.sleep(0.01)
    protocol.close_shell(shell)
    assert not served.service.shells
    for number in (1, 2):
        assert not Path("/proc", (tmp_path / str(number)).read_text().strip()).exists()


def test_unknown_shells_and_commands_are_windows_faults(served: Served) -> None:
    from winrm.exceptions import WSManFaultError

    protocol = session(served, "basic").protocol
    with pytest.raises(WSManFaultError) as refused:
        protocol.run_command("00000000-0000-0000-0000-000000000001", "x")
    assert refused.value.wsman_fault_code == 2150858843
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as refused:
        protocol.get_command_output(shell, "00000000-0000-0000-0000-000000000002")
    assert refused.value.wsman_fault_code == 2150858843
    protocol.close_shell(shell)


def test_a_31st_shell_is_one_too_many(served: Served) -> None:
    from winrm.exceptions import WSManFaultError

    protocol = session(served, "basic").protocol
    shells = [protocol.open_shell() for _ in range(30)]
    with pytest.raises(WSManFaultError) as refused:
        protocol.open_shell()
    assert refused.value.wsman_fault_code == 2150859173
    for shell in shells:
        protocol.close_shell(shell)


def test_a_26th_command_of_a_shell_is_one_too_many(served: Served) -> None:
    from winrm.exceptions import WSManFaultError

    protocol = session(served, "basic").protocol
    shell = protocol.open_shell()
    for _ in range(25):
        protocol.run_command(shell, "sleep 600")
    with pytest.raises(WSManFaultError) as refused:
        protocol.run_command(shell, "sleep 600")
    assert refused.value.wsman_fault_code == 2150858815
    protocol.close_shell(shell)


def test_open_requests_of_a_user_are_counted(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command that runs has a Receive open."""
    from winrm.exceptions import WSManFaultError

    protocol = session(served, "basic").protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "sleep 600")
    monkeypatch.setattr(served.service.operations, "limit", 1)
    waits = socket.create_connection(("127.0.0.1", served.port), 10)
    waits.sendall(_receive(shell, command))
    until = time.monotonic() + 10
    while not served.service.operations._open and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(WSManFaultError) as refused:
        protocol.open_shell()
    assert refused.value.wsman_fault_code == 0x803381A6
    waits.close()
    while served.service.operations._open and time.monotonic() < until:
        time.sleep(0.01)
    protocol.close_shell(shell)


@pytest.mark.parametrize("cut", [30, 200, 700])
def test_a_client_that_stops_in_mid_envelope_is_let_go(served: Served, monkeypatch: pytest.MonkeyPatch,
                                                       cut: int) -> None:
    from imagebuild.hostd.winrm import http

    monkeypatch.setattr(http, "STRANGER", 0.3)
    whole = _receive("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")
    with socket.create_connection(("127.0.0.1", served.port), 10) as wire:
        wire.sendall(whole[:cut])
        assert wire.recv(4096) == b""  # no answer: the connection was ended
    with socket.create_connection(("127.0.0.1", served.port), 10) as wire:
        wire.sendall(whole)
        assert b" 500 " in wire.recv(4096)


def _receive(shell: str, command: str) -> bytes:
    """A Receive as a client sends it by Basic."""
    import base64

    body = envelope(f"{SHELL}/Receive", f'<r:Receive><r:DesiredStream CommandId="{command}">stdout</r:DesiredStream>'
                    "</r:Receive>", shell=shell).encode()
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return (f"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Length: {len(body)}\r\n\r\n"
            .encode() + body)


def test_a_receive_that_nobody_waits_for_any_more_eats_nothing(served: Served) -> None:
    """The client leaves in mid-poll; what the program says then is for the next Receive."""
    protocol = session(served, "basic").protocol
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "sleep 0.6; echo late")
    with pytest.raises(TimeoutError):
        _leave_while_it_waits(served, shell, command)
    assert protocol.get_command_output(shell, command)[0] == b"late\n"
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)


def _leave_while_it_waits(served: Served, shell: str, command: str) -> None:
    with socket.create_connection(("127.0.0.1", served.port), 10) as wire:
        wire.settimeout(0.2)
        wire.sendall(_receive(shell, command))
        wire.recv(1)


@pytest.mark.parametrize(("sent", "status"), [
    (b"GET /wsman HTTP/1.1\r\nHost: x\r\n\r\n", b"405"), (b"POST /other HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    (b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    (b"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: Negotiate !!\r\nContent-Length: 0\r\n\r\n", b"401"),
    (b"POST /wsman HTTP/1.1\r\nHost: x\r\nAuthorization: Negotiate " + b"A" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
     b"401")])
def test_strangers_get_a_status_and_nothing_else(served: Served, sent: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), 10) as wire:
        wire.sendall(sent)
        answer = wire.recv(65_536)
    assert answer.split(b" ")[1] == status
    assert b"s:Envelope" not in answer


def test_identify_is_answered_before_any_login(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.request("POST", "/wsman", '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:i="http://'
                       'schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Body><i:Identify/></s:Body>'
                       "</s:Envelope>", {"WSMANIDENTIFY": "unauthenticated"})
    answer = connection.getresponse().read()
    connection.close()
    assert b"Microsoft Corporation" in answer and b"OS: 0.0.0" in answer


def test_pypsrp_runs_commands_by_every_login(served: Served) -> None:
    pypsrp = pytest.importorskip("pypsrp.shell", reason="pypsrp is not installed: pip install 'wcow[test]'")
    from pypsrp.wsman import WSMan

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for auth, encryption in (("basic", "never"), ("ntlm", "always"), ("negotiate", "always")):
            wsman = WSMan("127.0.0.1", port=served.port, username=USER, password=PASSWORD, ssl=False, auth=auth,
                          encryption=encryption)
            with wsman, pypsrp.WinRS(wsman) as shell:
                process = pypsrp.Process(shell, "echo out; echo err >&2; exit 300")
                process.invoke()
                assert (process.rc, process.stdout, process.stderr) == (300 & 255, b"out\n", b"err\n")


@pytest.mark.slow
@pytest.mark.parametrize("auth", ["basic", "ntlm", "negotiate"])
def test_pypsrp_opens_a_runspace_of_a_real_powershell(tmp_path: Path, auth: str) -> None:
    """The PowerShell is one for this machine; the fragments are the same."""
    pytest.importorskip("pypsrp", reason="pypsrp is not installed: pip install 'wcow[test]'")
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.wsman import WSMan
    from support.windows_programs import linux_powershell

    os.environ.setdefault("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
    with programs.skipping():
        machine = ShellMachine((str(linux_powershell()),))
    with warnings.catch_warnings(), serving(tmp_path, machine) as served:
        warnings.simplefilter("ignore")
        wsman = WSMan("127.0.0.1", port=served.port, username=USER, password=PASSWORD, ssl=False, auth=auth,
                      encryption="never" if auth == "basic" else "always")
        with wsman, RunspacePool(wsman) as pool:
            for script, out, had_errors in (("1..3", ["1", "2", "3"], False), ("'x' * 400000", ["x" * 400_000], False),
                                            ("Write-Error oops; 'on'", ["on"], False), ("throw 'no'", [], True)):
                shell = PowerShell(pool)
                shell.add_script(script)
                try:
                    got = [str(one) for one in shell.invoke()]
                except Exception:
                    got = []
                assert (got, shell.had_errors) == (out, had_errors) or script.startswith("Write-Error")
            pool.disconnect()
            pool.connect()
            again = PowerShell(pool)
            again.add_script("'again'")
            assert [str(one) for one in again.invoke()] == ["again"]
        assert not served.service.shells


@pytest.mark.slow
def test_a_runspace_that_one_client_left_is_taken_by_another_with_what_its_pipeline_said(tmp_path: Path) -> None:
    pytest.importorskip("pypsrp", reason="pypsrp is not installed: pip install 'wcow[test]'")
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.wsman import WSMan
    from support.windows_programs import linux_powershell

    os.environ.setdefault("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
    with programs.skipping():
        machine = ShellMachine((str(linux_powershell()),))

    def wsman(port: int) -> Any:
        return WSMan("127.0.0.1", port=port, username=USER, password=PASSWORD, ssl=False, auth="ntlm",
                     encryption="always")

    with warnings.catch_warnings(), serving(tmp_path, machine) as served:
        warnings.simplefilter("ignore")
        first = wsman(served.port)
        pool = RunspacePool(first)
        pool.open()
        shell = PowerShell(pool)
        shell.add_script("$global:kept = 7; Start-Sleep -Milliseconds 700; 'said ' + $kept")
        shell.begin_invoke()
        pool.disconnect()
        first.close()
        with wsman(served.port) as second:
            [found] = [one for one in RunspacePool.get_runspace_pools(second) if one.id == pool.id]
            [again] = found.create_disconnected_power_shells()
            found.connect()
            assert [str(one) for one in again.connect()] == ["said 7"]
            more = PowerShell(found)
            more.add_script("$kept + 1")
            assert list(more.invoke()) == [8]
            found.close()
        assert not served.service.shells
