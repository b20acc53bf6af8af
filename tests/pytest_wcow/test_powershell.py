# SPDX-License-Identifier: Apache-2.0
"""PowerShell in a container: one that stays open, values and errors as Python has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import plugin_runs, programs, windows_programs
from support.plugin_runs import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place() as made:
        folder = windows_programs.powershell()
        programs.run(made.user.python, "-m", "imagebuild", "powershell", "install", "--root", made.root,
                     "--from", folder, "--no-prepare", cwd=plugin_runs.HERE, timeout=300, user=made.user)
        yield made


def test_scripts_run_one_after_another_in_one_powershell(place: Place) -> None:
    place.pytest(r'''
import pytest

def test_all(servercore_session):
    run = servercore_session.powershell
    assert run("$PID").objects == run("$PID").objects
    assert run("'gr\u00fc\u00dfe \u20ac'; Write-Host shown; Write-Warning careful; 2").check().stdout == \
        "gr\u00fc\u00dfe \u20ac\nshown\nWARNING: careful\n2\n"
    assert run("$x = 5").ok and run('"x=$x"').stdout == "x=\n"

def test_objects(servercore_session):
    script = "[pscustomobject]@{a=1; b='x'; c=@(1,2)}; 5; 'text'; $true; $null; [datetime]'2020-01-02Z'"
    first = servercore_session.powershell(script)
    servercore_session.powershell("6")
    assert first.objects == [{"a": 1, "b": "x", "c": [1, 2]}, 5, "text", True, None, "2020-01-02T00:00:00.0000000Z"]

@pytest.mark.parametrize("script,code,text,line", [
    ("1\nthrow 'boom'", 1, "boom", 2), ("3; Write-Error bad", 1, "bad", 0), ("Write-Error bad; 3", 0, "bad", 0),
    ("1 +", 1, "value expression", 1), ("Get-Item C:\\nope", 1, "does not exist", 1)])
def test_errors(servercore_session, script, code, text, line):
    found = servercore_session.powershell(script)
    assert found.exit_code == code
    assert text in found.errors[0].message and text in found.stderr.replace("\n", " ") or text == "does not exist"
    assert found.errors[0].line == line

def test_exit(servercore_session):
    found = servercore_session.powershell("'bye'; exit 7")
    assert (found.exit_code, found.stdout) == (7, "bye\n")
    assert servercore_session.powershell("cmd /c echo native; cmd /c exit 3").exit_code == 1
    assert servercore_session.powershell("[Console]::Error.WriteLine('direct')").stderr == "direct\n"
''').passed(8)


def test_a_script_that_does_not_end_and_an_image_without_powershell_are_errors(place: Place) -> None:
    place.pytest(r'''
import pytest
from imagebuild.containers import DeadlineError
from imagebuild.errors import UnsupportedError

def test_deadline(servercore):
    with pytest.raises(DeadlineError):
        servercore.powershell("Start-Sleep 60", timeout=3)
    assert servercore.powershell("1").stdout == "1\n"

def test_nanoserver(nanoserver):
    with pytest.raises(UnsupportedError, match="no PowerShell") as caught:
        nanoserver.powershell("1")
    assert "servercore" in caught.value.hint
''').passed(2)
