# SPDX-License-Identifier: Apache-2.0
"""This machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.machines import SERVER_2022

from imagebuild.errors import ToolError
from imagebuild.host import Done, LocalHost
from imagebuild.windows import machine_json
from imagebuild.windows.facts.machine import MachineFacts

PYTHON = sys.executable


def test_this_machine_is_described_and_comes_back_from_json(tmp_path: Path) -> None:
    facts = LocalHost(environment={"DOCKER_HOST": f"unix://{tmp_path}/none"}).facts()
    assert facts.host.os == {"win32": "windows"}.get(sys.platform, sys.platform)
    assert facts.host.architecture
    assert facts.hypervisor.memory
    assert facts.clock.now
    assert machine_json.read(machine_json.write(facts)).facts == facts


def test_a_program_is_run_by_its_words_with_its_input() -> None:
    code = "import sys; sys.stdout.write(sys.argv[1] + sys.stdin.read()); sys.stderr.write('e'); sys.exit(3)"
    done = LocalHost().run([PYTHON, "-c", code, "a b'\"$x"], stdin=b"in")
    assert done == Done(3, b"a b'\"$xin", b"e")


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ToolError, match=r"did not end within 0\.2 seconds"):
        LocalHost().run([PYTHON, "-c", "import time; time.sleep(60)"], timeout=0.2)


@pytest.mark.parametrize("command", [["/none/such"], [""], ["a\0b"]])
def test_a_program_that_is_not_there_is_a_tool_error(command: list[str]) -> None:
    with pytest.raises(ToolError, match="cannot run"):
        LocalHost().run(command)


class Windows(LocalHost):
    """A Windows whose PowerShell prints what the test says."""

    def __init__(self, done: Done, *, online: bool = False) -> None:
        super().__init__(system="Windows", online=online)
        self.done = done
        self.commands: list[Sequence[str]] = []

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        assert timeout
        self.commands.append(command)
        return self.done


def test_a_windows_is_asked_by_its_collector() -> None:
    host = Windows(Done(0, machine_json.write(SERVER_2022).encode()), online=True)
    assert host.facts() == SERVER_2022
    command = host.commands[0]
    assert command[0] == "powershell.exe"
    assert command[-1] == "-Online"
    script = Path(command[command.index("-File") + 1])
    assert script.name == "collector.ps1"
    assert script.is_file()
    assert "-Online" not in Windows(host.done).commands


def test_a_collector_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(ToolError, match=r"exit code 1; .*it says: AuthorizationManager") as caught:
        Windows(Done(1, b"", b"AuthorizationManager\r\n check failed.")).facts()
    assert "--script" in caught.value.hint


def test_another_system_is_known_by_name_only() -> None:
    facts = LocalHost(system="Darwin").facts()
    assert facts.host.os == "darwin"
    assert facts == MachineFacts(host=facts.host, notes=("Darwin is not looked at any closer",))


def test_closing_twice_is_fine() -> None:
    host = LocalHost()
    host.close()
    host.close()
