# SPDX-License-Identifier: Apache-2.0
"""The command lines of OpenSSH for Windows, and the shell that the registry names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.hostd.ssh.shell import Shell, escaped

POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
ANSWER = ("\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\OpenSSH\r\n    DefaultShell    REG_SZ    {}\r\n"
          "    Other    REG_DWORD    0x1\r\n\r\n")


def test_without_a_value_the_shell_is_cmd() -> None:
    assert Shell.parse("") == Shell()
    assert Shell().line('dir "C:\\Program Files"') == r'"C:\windows\system32\cmd.exe" /c "dir "C:\Program Files""'
    assert Shell().interactive == r'"C:\windows\system32\cmd.exe"'


def test_the_registry_names_another_shell_and_its_option() -> None:
    shell = Shell.parse(ANSWER.format(POWERSHELL))
    assert shell == Shell(POWERSHELL, "-c", escapes=True)
    assert shell.line('"a b"') == rf'"{POWERSHELL}" -c "\"a b\""'
    more = ANSWER.format(POWERSHELL).replace("Other    REG_DWORD    0x1", "DefaultShellCommandOption    REG_SZ    /x"
                                             "\r\n    DefaultShellEscapeArguments    REG_DWORD    0x0")
    assert Shell.parse(more) == Shell(POWERSHELL, "/x", escapes=False)


@pytest.mark.parametrize("path", [r"D:\tools\cmd.exe", r"C:\WINDOWS\System32\CMD.EXE"])
def test_cmd_keeps_its_option_at_any_place(path: str) -> None:
    assert Shell.parse(ANSWER.format(path)) == Shell(path, "/c", escapes=False)


@given(st.text(st.sampled_from('ab "\\'), max_size=20))
def test_what_is_escaped_comes_back_as_one_argument(command: str) -> None:
    """``"..."`` around it is read as Windows' C runtime reads a command line: 2n backslashes before a quote are n."""
    text, at, read, quoted = f'"{escaped(command)}"', 0, "", False
    while at < len(text):
        slashes = len(text[at:]) - len(text[at:].lstrip("\\"))
        at += slashes
        if text[at:at + 1] == '"':
            read += "\\" * (slashes // 2)
            if slashes % 2:
                read += '"'
            else:
                quoted = not quoted
            at += 1
        else:
            read += "\\" * slashes + text[at:at + 1]
            at += 1
    assert not quoted
    assert read == command
