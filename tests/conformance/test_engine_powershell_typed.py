# SPDX-License-Identifier: Apache-2.0
"""A person at ``docker run -it … powershell``: the prompt, Tab, Ctrl-C, another size of the window, the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, tmux, users, windows_programs
from support.engine import Engine, engine
from support.tmux import Window
from support.workbench import Workbench

pytestmark = pytest.mark.slow

CORE, BASE = "core:1", "mcr.microsoft.com/windows/servercore:ltsc2022"
PROMPT = "PS C:\\>"
HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=users.KINDS)
def core(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine with PowerShell and a stand-in servercore, as root and as an ordinary user."""
    with programs.skipping():
        programs.find("tmux")
        folder = windows_programs.powershell()
        with engine(user=users.find(request.param)) as made:
            programs.run(made.user.python, "-m", "imagebuild", "powershell", "install", "--root", made.root, "--from",
                         folder, cwd=HERE, timeout=400, user=made.user)
            archive = made.root.parent / "core.tar"
            bench = Workbench(made.root.parent / "bench", offline=True)
            bench.base("servercore", BASE)
            bench.copy(BASE, f"docker-archive:{archive}:{CORE}")
            made.docker("load", "--input", archive)
            yield made


@pytest.fixture
def person(core: Engine) -> Iterator[Window]:
    """A window with ``docker run -it`` of PowerShell, at its first prompt."""
    with tmux.window(core.user, programs.find("docker"), "run", "-it", "--rm", CORE, "powershell",
                     env=core.env) as shown:
        shown.until(lambda screen: screen.endswith(PROMPT))
        yield shown


def said(screen: str) -> list[str]:
    """The lines after the banner, the empty ones left out."""
    return [line for line in screen.splitlines() if line][2:]


def test_the_prompt_stays_whole_and_lines_are_where_they_were_typed(person: Window) -> None:
    person.type("'a' + 'b'")
    assert said(person.until(lambda screen: screen.endswith("'b'"))) == [f"{PROMPT} 'a' + 'b'"]
    person.press("Enter")
    person.until(lambda screen: screen.endswith(PROMPT))
    person.type("'second' * 3")
    person.press("BSpace")
    person.type("2")
    person.press("Enter")
    shown = person.until(lambda screen: screen.endswith(PROMPT) and "secondsecond" in screen)
    assert said(shown) == [f"{PROMPT} 'a' + 'b'", "ab", f"{PROMPT} 'second' * 2", "secondsecond", PROMPT]


def test_a_line_longer_than_the_window_is_wrapped(person: Window) -> None:
    person.type("'" + "x" * 120 + "'.Length")
    person.press("Enter")
    shown = person.until(lambda screen: screen.endswith(PROMPT) and "120" in screen)
    assert said(shown) == [f"{PROMPT} '" + "x" * 91, "x" * 29 + "'.Length", "120", PROMPT]


def test_tab_completes(person: Window) -> None:
    person.type("Get-Chil")
    person.press("Tab")
    person.until(lambda screen: screen.endswith(f"{PROMPT} Get-ChildItem"))
    person.type(" C:\\Win")
    person.press("Tab")
    person.until(lambda screen: screen.lower().endswith(f"{PROMPT} Get-ChildItem C:\\Windows\\".lower()))


def test_ctrl_c_drops_a_line_and_ends_a_loop_and_not_the_shell(person: Window) -> None:
    person.type("no line")
    person.until(lambda screen: screen.endswith("no line"))
    person.press("C-c")
    assert said(person.until(lambda screen: screen.endswith(PROMPT) and "^C" in screen)) == [
        f"{PROMPT} no line^C", PROMPT]
    person.type("while (1) { $n++; \"turn $n\"; Start-Sleep -Milliseconds 100 }")
    person.press("Enter")
    person.until(lambda screen: "turn 3" in screen)
    person.press("C-c")
    person.until(lambda screen: screen.endswith(PROMPT))
    person.type("ping -t 127.0.0.1")  # a program of its own hears it, and the shell goes on
    person.press("Enter")
    person.until(lambda screen: "Reply" in screen)
    person.press("C-c")
    person.until(lambda screen: screen.endswith(PROMPT))
    person.type("$n -gt 0")
    person.press("Enter")
    person.until(lambda screen: screen.endswith(f"True\n{PROMPT}"))


def test_the_windows_size_is_the_programs_and_the_exit_code_is_dockers(person: Window) -> None:
    person.resize(20, 70)
    person.type("[Console]::WindowWidth, [Console]::WindowHeight -join 'x'")
    person.press("Enter")
    person.until(lambda screen: f"70x20\n{PROMPT}" in screen)
    person.resize(40, 120)
    person.type("[Console]::WindowWidth, [Console]::WindowHeight -join 'x'")
    person.press("Enter")
    person.until(lambda screen: f"120x40\n{PROMPT}" in screen)
    person.type("exit 3")
    person.press("Enter")
    assert person.code() == 3
