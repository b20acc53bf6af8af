# SPDX-License-Identifier: Apache-2.0
r"""PowerShell 7 where Windows has ``powershell.exe``, with the manners of 5.1; made once, by PowerShell itself."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import made_programs, programs, sandboxes, windows_programs
from support.sandboxes import Boxes, run

from imagebuild.errors import ToolError
from imagebuild.programs import POWERSHELL, ProgramStore, WindowsPowerShell
from imagebuild.programs.windows_powershell import layer
from imagebuild.programs.windows_powershell.layer import with_library
from imagebuild.runtime import WineSandbox
from imagebuild.runtime.memory import MemorySandbox

EXE = Path("windows", "system32", "WindowsPowerShell", "v1.0", "powershell.exe")
HEAD = b"head" + b"pwsh.dll".ljust(1024, b"\0") + b"tail"


def test_the_path_of_the_library_is_written_where_pwsh_has_it() -> None:
    made = with_library(HEAD)
    assert made == b"head" + rb"..\7\powershell.dll".ljust(1024, b"\0") + b"tail" and len(made) == len(HEAD)


@pytest.mark.parametrize("exe", [b"", b"pwsh.dll", HEAD + HEAD])
def test_a_program_with_another_head_is_refused(exe: bytes) -> None:
    with pytest.raises(ToolError, match="does not name its library as expected"):
        with_library(exe)


@pytest.mark.slow
def test_where_powershell_is_not_installed_its_place_says_how_to_get_it(sandbox: WineSandbox) -> None:
    with sandboxes.folder() as root:
        layer = WindowsPowerShell(ProgramStore(root / "programs"), sandbox, sandboxes.home()).layer()
        boxes = Boxes(sandbox, root)
        done = boxes.run("powershell -Command 1", layers=(layer,))
        boxes.close()
    assert done.code == 1 and "wcow powershell install" in done.err


@pytest.mark.slow
def test_an_archive_whose_powershell_does_not_run_leaves_no_layer(sandbox: WineSandbox, tmp_path: Path) -> None:
    with sandboxes.folder() as root:
        store, archive = ProgramStore(root / "programs"), tmp_path / "broken.zip"
        archive.write_bytes(made_programs.archive(made_programs.powershell()))
        found = store.install(POWERSHELL, archive)
        with pytest.raises(ToolError, match=r"cannot (make powershell\.exe|start)"):
            WindowsPowerShell(store, sandbox, sandboxes.home()).layer()
        store.close()
        assert sorted(one.name for one in found.folder.parent.iterdir()) == ["files", "layer.lock", "program.json"]


def test_two_who_need_the_missing_layer_at_once_get_one_that_is_not_replaced(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = WindowsPowerShell(ProgramStore(tmp_path / "programs"), MemorySandbox(), tmp_path)
    inodes: list[int] = []
    real = layer.locked

    @contextlib.contextmanager
    def locked(path: Path, seconds: float) -> Iterator[None]:
        monkeypatch.setattr(layer, "locked", real)  # another one takes the lock first, and makes the layer
        other = WindowsPowerShell(ProgramStore(tmp_path / "programs"), MemorySandbox(), tmp_path)
        inodes.append(other.layer().stat().st_ino)
        yield

    monkeypatch.setattr(layer, "locked", locked)
    monkeypatch.setattr(layer.toolchain, "find", lambda home: None)
    assert stand_in.layer().stat().st_ino == inodes[0]


def test_the_layer_is_made_once_and_needs_no_sandbox_when_it_is_there(tmp_path: Path) -> None:
    store, archive = ProgramStore(tmp_path / "programs"), tmp_path / "pwsh.zip"
    archive.write_bytes(made_programs.archive(made_programs.powershell()))
    found = store.install(POWERSHELL, archive)
    stand_in = WindowsPowerShell(store, MemorySandbox(), tmp_path)
    with pytest.raises(ToolError):  # the fake cannot compile
        stand_in.layer()
    from imagebuild.programs.windows_powershell.layer import _key

    made = found.folder.parent / f"layer-{_key()}"
    made.mkdir()
    assert stand_in.layer() == made
    store.close()


# --- with a real PowerShell

@pytest.fixture(scope="module")
def sandbox() -> Iterator[WineSandbox]:
    with programs.skipping():
        made = sandboxes.open_sandbox()
    yield made
    made.close()


@pytest.fixture(scope="module")
def windows(sandbox: WineSandbox) -> Iterator[Boxes]:
    """Boxes whose Windows has PowerShell."""
    with programs.skipping():
        source = windows_programs.powershell()
    with sandboxes.folder() as root:
        store = ProgramStore(root / "programs")
        store.install(POWERSHELL, source)
        layer = WindowsPowerShell(store, sandbox, sandboxes.home()).layer()
        made = Boxes(sandbox, root)
        made.layer = layer
        yield made
        made.close()
        store.close()


@pytest.mark.slow
@pytest.mark.parametrize(("line", "stdin", "code", "out"), [
    ("powershell 1+1", "", 0, "2\n"),
    ("powershell Write-Output one; exit 3", "", 3, "one\n"),
    ("powershell -NoProfile -NonInteractive -c \"'a b'\"", "", 0, "a b\n"),
    ("powershell /nologo /command 2*3", "", 0, "6\n"),
    ("powershell -Version 5.1 -ExecutionPolicy Bypass -Command 7", "", 0, "7\n"),
    ("powershell -EncodedCommand MQArADIA", "", 0, "3\n"),
    ("powershell -", "'from stdin'\r\nexit 4\r\n", 4, "from stdin\n"),
    (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -C $PSHOME.ToLower()", "", 0,
     "c:\\windows\\system32\\windowspowershell\\7\n"),
    ("powershell Get-ExecutionPolicy", "", 0, "RemoteSigned\n"),
    ("powershell (Get-Alias curl,wget,sc).Definition -join ','", "", 0,
     "Invoke-WebRequest,Invoke-WebRequest,Set-Content\n"),
    ("powershell ([byte[]][IO.File]::ReadAllBytes('C:\\u.txt')) -join ' '", "", 1, None),
    ("powershell 'x' > C:\\u.txt; [IO.File]::ReadAllBytes('C:\\u.txt') -join ' '", "", 0,
     "255 254 120 0 13 0 10 0\n"),
    ("powershell Set-Content C:\\a.txt ([char]233); [IO.File]::ReadAllBytes('C:\\a.txt') -join ' '", "", 0,
     "233 13 10\n"),
    ("powershell $env:PSModulePath -like '*\\WindowsPowerShell\\v1.0\\Modules*'", "", 0, "True\n"),
])
def test_it_takes_arguments_and_writes_files_as_5_1_does(windows: Boxes, line: str, stdin: str, code: int,
                                                         out: str | None) -> None:
    done = windows.run(line, stdin=stdin.encode())
    assert done.code == code, done
    assert out is None or done.out == out


@pytest.mark.slow
def test_an_unknown_parameter_is_a_command_that_is_not_there(windows: Boxes) -> None:
    done = windows.run("powershell -nosuch")
    assert done.code == 1 and "The term '-nosuch' is not recognized" in done.err


@pytest.mark.slow
def test_a_script_with_a_syntax_error_fails_and_says_where(windows: Boxes) -> None:
    box = windows.open("syntax")
    run(box, "cmd /c echo if ( ^> C:\\bad.ps1")
    done = windows.run("powershell -Command \"& { 'begun'; if ( }\"")
    assert done.code == 1 and "ParserError" in done.err and "begun" not in done.out


@pytest.mark.slow
def test_modules_can_be_put_where_5_1_has_them(windows: Boxes) -> None:
    place = r"C:\Windows\System32\WindowsPowerShell\v1.0\Modules\Mine"
    line = (f"powershell mkdir {place} | Out-Null; 'function Get-Mine {{ 42 }}' | Set-Content {place}\\Mine.psm1; "
            "Import-Module Mine; Get-Mine")
    assert windows.run(line).out == "42\n"


def encoded(command: str) -> str:
    """A command line whose quotes mean nothing to anybody but PowerShell."""
    return f"powershell -NoProfile -EncodedCommand {base64.b64encode(command.encode('utf-16-le')).decode()}"


@pytest.mark.slow
@pytest.mark.parametrize(("command", "out"), [
    ("(Get-CimInstance Win32_OperatingSystem).BuildNumber -eq [Environment]::OSVersion.Version.Build", "True"),
    ("(Get-WmiObject Win32_OperatingSystem).Caption -like 'Microsoft Windows*'", "True"),
    ("(Get-CimInstance -ClassName Win32_ComputerSystem).Name -eq $env:COMPUTERNAME", "True"),
    ("(Get-CimInstance Win32_LogicalDisk -Filter 'DriveType=3 AND DeviceID=\"C:\"').DeviceID", "C:"),
    ("(Get-CimInstance -Query 'SELECT Name, ProcessId FROM Win32_Process WHERE Name LIKE \"powersh%.exe\"').Name",
     "powershell.exe"),
    ("@(Get-CimInstance Win32_Process -Filter 'NOT (ProcessId > 0 OR Name IS NULL)').Count", "0"),
    ("@(Get-CimInstance Win32_QuickFixEngineering).Count", "0"),
    ("(Get-CimInstance Win32_OperatingSystem).LastBootUpTime -le (Get-Date)", "True"),
    ("(Get-CimInstance Win32_OperatingSystem -Property Caption).PSObject.Properties['BuildNumber'] -eq $null", "True"),
    ("(Get-CimInstance Win32_TimeZone).Bias", "0"),
    ("(Get-CimInstance Win32_Processor).NumberOfLogicalProcessors -eq [Environment]::ProcessorCount", "True"),
    ("(Get-ComputerInfo).OsBuildNumber -gt 10000", "True"),
    ("(Get-CimInstance Win32_Service -Filter 'Name=\"EventLog\"').StartMode", "Auto"),
    ("(Get-CimInstance Win32_BIOS).PSObject.TypeNames[0]",
     "Microsoft.Management.Infrastructure.CimInstance#root/cimv2/Win32_BIOS"),
])
def test_the_classes_that_scripts_ask_for_are_answered(windows: Boxes, command: str, out: str) -> None:
    done = windows.run(encoded(command))
    assert (done.code, done.out, done.err) == (0, f"{out}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(("command", "says"), [
    ("Get-CimInstance Win32_NoSuch", "Invalid class"),
    ("Get-WmiObject Win32_NoSuch", "Invalid class"),
    ("Get-CimInstance Win32_Process -Filter 'Name ='", "Invalid query"),
    ("Get-CimInstance -Query 'DROP TABLE x'", "Invalid query"),
    ("Get-CimInstance Win32_Process -ComputerName far.example", "not supported in this container"),
    ("Invoke-CimMethod -ClassName Win32_Process -MethodName Create", "not supported in this container"),
])
def test_what_cannot_be_answered_is_an_error(windows: Boxes, command: str, says: str) -> None:
    done = windows.run(encoded(f"$ErrorActionPreference = 'Stop'; {command}"))
    assert done.code == 1 and says in done.err
