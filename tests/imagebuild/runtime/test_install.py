# SPDX-License-Identifier: Apache-2.0
"""What is installed, and what is to be done where it is not enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.errors import ToolError
from imagebuild.runtime import install as wine_install
from imagebuild.runtime import toolchain
from imagebuild.runtime.wine.sandbox import WineSandbox

WINE = wine_install.Install(Path("/bin/sh"), Path("/bin/sh"), Path("/bin"), Path("/"), "wine-10.0 (Debian 10.0)")
NEW = " --no-new-privs\n --seccomp-filter <file>     load seccomp filter from file"


def setpriv(folder: Path, said: str) -> str:
    """A program in place of setpriv, that says this of itself."""
    path = folder / "setpriv"
    path.write_text(f"#!/bin/sh\ncat <<'.'\n{said}\n.\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has everything: what is not under test is found."""
    monkeypatch.setattr(wine_install, "find_wine", lambda: WINE)
    monkeypatch.setattr(wine_install, "find", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(wine_install, "SETPRIV", setpriv(tmp_path, NEW))
    monkeypatch.setattr(toolchain, "is_here", lambda home: True)
    return tmp_path


def test_nothing_is_missing_where_all_is_there(tmp_path: Path) -> None:
    assert wine_install.problems() == {}
    sandbox = WineSandbox(tmp_path / "home")
    assert (sandbox.facts().missing, sandbox.facts().problems, sandbox.facts().version) == ((), (), WINE.version)
    sandbox.close()


@pytest.mark.parametrize(("said", "why"), [
    (" --no-new-privs\n --pdeathsig keep|clear|<signame>", "is too old: it has no --seccomp-filter"),
    ("", "is too old"), (None, "does not start")])
def test_a_setpriv_that_loads_no_filter_is_noticed_before_anything_starts(tmp_path: Path, said: str | None, why: str,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "none") if said is None else setpriv(tmp_path, said)
    monkeypatch.setattr(wine_install, "SETPRIV", path)
    sandbox = WineSandbox(tmp_path / "home")
    facts = sandbox.facts()
    assert facts.missing == ("util-linux",)
    [problem] = facts.problems
    assert path in problem and why in problem and "install the Debian package util-linux" in problem
    with pytest.raises(ToolError, match=why) as caught:
        sandbox.prepare()
    assert "2.41 or later" in caught.value.hint
    assert not (tmp_path / "home").exists()
    sandbox.close()


def test_each_package_is_named_once_with_its_first_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(program: str = "wine64") -> str:
        raise ToolError("cannot run Windows programs", why=f"{program} is not installed", hint="install it")

    monkeypatch.setattr(wine_install, "find", nothing)
    monkeypatch.setattr(wine_install, "find_wine", nothing)
    monkeypatch.setattr(toolchain, "is_here", lambda home: False)
    monkeypatch.setattr(toolchain, "missing", lambda: (toolchain.PACKAGE, toolchain.ZLIB_PACKAGE))
    sandbox = WineSandbox(tmp_path)
    facts = sandbox.facts()
    assert facts.missing == ("wine64", "bubblewrap", "util-linux", toolchain.PACKAGE,
                             toolchain.ZLIB_PACKAGE)
    assert facts.problems[:3] == ("wine64 is not installed; install it", "bwrap is not installed; install it",
                                  "nsenter is not installed; install it")
    assert toolchain.PACKAGE in facts.problems[3]
    assert facts.problems[4].endswith(f"no zlib for the compiler; apt-get install {toolchain.ZLIB_PACKAGE}")
    assert (facts.version, facts.template) == ("", "missing")
    sandbox.close()
