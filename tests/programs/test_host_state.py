# SPDX-License-Identifier: Apache-2.0
"""What a ``wcow host`` says of itself: machines put in as state, cmdlets over it, a prompt, and faults on demand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support import ansible_hosts, machines, programs, windows_programs
from support.ansible_hosts import PASSWORD, Host

from imagebuild.errors import FormatError
from imagebuild.hostd.state import state
from imagebuild.windows import machine_json
from imagebuild.windows.facts.machine import ClockFacts, MachineFacts, TokenFacts

pytestmark = pytest.mark.slow

MACHINES = {"2016": machines.SERVER_2016, "2019": machines.SERVER_2019, "2022": machines.SERVER_2022,
            "2025": machines.SERVER_2025, "windows-11": machines.WINDOWS_11,
            "home": machines.HOME, "guest": machines.GUEST, "l0": machines.L0}
PWSH = r"C:\Windows\System32\WindowsPowerShell\7\pwsh.exe"
#: The sentence of the engine's client, in whatever machine it is.
NO_ENGINE = "open //./pipe/docker_engine: The system cannot find the file specified."


def knowable(facts: MachineFacts, like: MachineFacts) -> MachineFacts:
    """The facts but for what no script of a host can know of the other machine: the name, the engine's own version and
    settings, who asks, the time, the companies of drivers, rights to log on as a service; and of features, services
    and pipes those that the other one has."""
    names = {one.name for one in like.features or ()}
    services = {one.name for one in like.services or ()}
    return replace(
        facts, host=replace(facts.host, name="", source="", engine=None, hyperv=None, containers=None),
        features=tuple(one for one in facts.features or () if one.name in names),
        services=tuple(replace(one, start=None) if one.state == "absent" else one for one in facts.services or ()
                       if one.name in services),
        pipes=None, token=TokenFacts(), daemon=replace(facts.daemon, **dict.fromkeys(
            ("data_root", "driver", "error", "config_path", "config_text", "config_encoding", "arguments"))),
        policy=replace(facts.policy, service_logon=None),
        network=replace(facts.network, adapters=tuple(sorted(facts.network.adapters or (), key=lambda one: one.name))),
        filters=tuple(sorted((replace(one, company=None) for one in facts.filters or ()), key=lambda one: one.name)),
        clock=ClockFacts(synchronised=facts.clock.synchronised), notes=())


def differences(want: Any, got: Any, path: str = "") -> Iterator[str]:
    """What is another, by its place: easier to read than two machines."""
    if dataclasses.is_dataclass(want) and type(want) is type(got):
        for field in dataclasses.fields(want):
            yield from differences(getattr(want, field.name), getattr(got, field.name), f"{path}.{field.name}")
    elif want != got:
        yield f"{path}: {want!r} became {got!r}"


def facts(host: Host) -> MachineFacts:
    return machine_json.read(host.wcow("state", host.name, "--facts")).facts


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A host that is the Server 2022 of ``machines.py``."""
    with programs.skipping():
        client = windows_programs.docker() / "docker.exe"
        with ansible_hosts.host("--like", "-", docker=client, data=machine_json.write(machines.SERVER_2022)) as started:
            yield started


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "2022"])
def test_a_machine_comes_back_as_it_was_put_in(host: Host, name: str) -> None:
    machine = MACHINES[name]
    host.wcow("start", "other", "--like", "-", data=machine_json.write(machine))
    try:
        got = machine_json.read(host.wcow("state", "other", "--facts")).facts
    finally:
        host.wcow("remove", "-f", "other")
    assert list(differences(knowable(machine, machine), knowable(got, machine))) == []
    assert got.host.version is not None and got.host.version == machine.host.version


@pytest.mark.parametrize("name", [*machines.CHANGES, "as it was"])
def test_a_running_host_becomes_another_machine(host: Host, name: str) -> None:
    machine = machines.changed(machines.SERVER_2022, machines.CHANGES.get(name, {}))
    host.wcow("state", host.name, "-", data=machine_json.write(machine))
    got = facts(host)
    assert list(differences(knowable(machine, machine), knowable(got, machine))) == []
    stopped = name == "engine stopped"
    assert ((got.daemon.error or "").endswith(NO_ENGINE), got.host.engine is None) == (stopped, stopped)


def run(host: Host, *lines: str) -> list[tuple[int, str]]:
    """Command lines over WinRM, with their exit codes."""
    winrm = pytest.importorskip("winrm", reason="pywinrm is not installed: pip install 'wcow[test]'")
    session = winrm.Session(f"http://127.0.0.1:{host.document['winrm_port']}/wsman", auth=("Administrator", PASSWORD),
                            transport="ntlm", message_encryption="always")
    done = [session.run_cmd(line) for line in lines]
    return [(one.status_code, (one.std_out + one.std_err).decode().replace("\r\n", "\n")) for one in done]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm's own
def test_cmdlets_answer_in_every_powershell_and_a_restart_installs(host: Host) -> None:
    host.wcow("state", host.name, "-", data=state.write(state.default(client=False)).decode())
    install = "$x = Install-WindowsFeature Hyper-V -WarningAction Ignore; $x.ExitCode, $x.RestartNeeded -join ' '"
    pending = r"Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'"
    ask = "(Get-WindowsFeature Hyper-V).InstallState, (Get-WindowsOptionalFeature -Online Microsoft-Hyper-V).State, "
    said = run(host, f'powershell -NoProfile "{install}; {pending}"', f'{PWSH} -NoProfile -c "{ask}({pending})"',
               'powershell -NoProfile "Install-WindowsFeature Nope"', 'powershell -NoProfile "Get-NoSuchThing"',
               'powershell -NoProfile "Install-WindowsFeature NET-Framework-Core -ErrorAction Stop"')
    assert said[0] == (0, "SuccessRestartRequired Yes\nTrue\n")
    assert said[1] == (0, "InstallPending\nEnablePending\nTrue\n")
    assert said[2][0] == 1 and "feature name is not valid: 'Nope'" in said[2][1]
    assert said[3][0] == 1 and "is not recognized as a name of a cmdlet" in said[3][1]
    assert said[4][0] == 1 and "0x800f081f" in said[4][1]
    controller = host.controller()
    got = controller.play({"ansible.windows.win_reboot": {"reboot_timeout": 120, "post_reboot_delay": 0}},
                          ansible_hosts.raw(f"{ask}({pending})"))
    assert got[0]["rebooted"] and got[1].text.split() == ["Installed", "Enabled", "False"]


def test_a_state_is_read_written_and_nonsense_is_refused(host: Host) -> None:
    before = host.wcow("state", host.name)
    with pytest.raises(AssertionError, match=r"features\.Containers"):
        host.wcow("state", host.name, "-", data='{"features": {"Containers": "Perhaps"}}')
    with pytest.raises(AssertionError, match="it is of build 26200, and the host win has 20348"):
        host.wcow("state", host.name, "-", data=machine_json.write(machines.WINDOWS_11))
    with pytest.raises(AssertionError, match="a host is Windows"):
        host.wcow("state", host.name, "-", data=machine_json.write(machines.TOOLBOX))
    with pytest.raises(FormatError):
        state.read(b"{")
    assert host.wcow("state", host.name) == before


def test_a_prompt_on_a_host_takes_commands_and_gives_their_code(host: Host) -> None:
    assert host.wcow("shell", host.name, "cmd", "/c", "ver").split()[-1] == "10.0.20348]"
    said = host.wcow("shell", host.name, "cmd", data="echo %COMPUTERNAME%\r\nexit\r\n")
    assert "C:\\>WIN\n" in said
    with pytest.raises(AssertionError):
        host.wcow("shell", host.name, "cmd", "/c", "exit 7")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm's own
def test_clients_meet_the_faults_that_were_asked_for(host: Host) -> None:
    exceptions = pytest.importorskip("winrm.exceptions", reason="pywinrm is not installed: pip install 'wcow[test]'")

    def meets(*words: str) -> str:
        host.wcow("fault", host.name, "--clear", *words)
        try:
            run(host, "cd")
        except (exceptions.WinRMTransportError, exceptions.WSManFaultError, exceptions.WinRMError) as refused:
            return str(refused)
        except OSError as broken:
            return type(broken).__name__
        return ""

    assert meets() == ""
    for code in ("403", "404", "413", "500"):
        assert meets("http", code).endswith(f"Code {code}")
    assert meets("http", "401") == "PermissionError"
    quota = meets("wsman", "shell-quota", "--operation", "create", "--times", "1")
    assert "maximum number of 30 concurrent shells" in quota
    assert meets("wsman", "timed-out", "--operation", "receive", "--times", "1") == ""  # the client asks again
    assert meets("drop", "--operation", "command") == "ConnectionError"
    assert meets("latency", "0.1", "--operation", "command") == ""
    rows = json.loads(host.wcow("fault", host.name, "--format", "json"))
    assert rows == [{"kind": "latency", "value": "0.1", "operation": "command", "times": 0}]
    assert host.wcow("fault", host.name, "--clear") == "FAULT  VALUE  OPERATION  TIMES\n"
