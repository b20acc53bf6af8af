# SPDX-License-Identifier: Apache-2.0
"""What people do with ``docker`` and ``wcow run`` every day: as root and as an ordinary user, in a terminal and in
pipes. Quick, for ``make test``; its neighbours ask for more."""

from __future__ import annotations

from pathlib import Path

from support import programs
from support.engine import IMAGE, Docker, Engine


def test_a_container_that_ran_is_removed_at_its_end_and_the_client_ends_too(windows: Engine, name: str) -> None:
    done = windows.docker("run", "--rm", "--name", name, IMAGE, "cmd", "/c", "echo out& echo err>&2& exit 3", ok=False)
    assert (done.stdout.strip(), done.stderr.strip(), done.returncode) == ("out", "err", 3)
    assert windows.docker("ps", "-aq", "--filter", f"name={name}").stdout == ""


def test_a_terminal(windows: Engine, name: str) -> None:
    docker = programs.find("docker")
    with windows.terminal(docker, "run", "-it", "--rm", "--name", name, IMAGE, "cmd") as screen:
        screen.read_to(b"C:\\app>")
        screen.type(b"set /a 6*7\r")
        screen.read_to(b"42")
        with windows.terminal(docker, "exec", "-it", name, "cmd") as second:
            second.read_to(b"C:\\app>")
            second.type(b"exit 4\r")
            assert second.wait() == 4
        screen.type(b"exit 5\r")
        assert screen.wait() == 5
    assert windows.docker("ps", "-aq", "--filter", f"name={name}").stdout == ""


def test_a_life_in_pipes(windows: Engine, docker: Docker, tmp_path: Path, name: str) -> None:
    docker("volume", "create", name)
    docker("run", "-d", "--name", name, "-v", f"{name}:C:\\data", IMAGE, "cmd", "/c",
           "echo begun & ping -n 60 127.0.0.1 >nul")
    try:
        docker("exec", name, "cmd", "/c", "echo kept> C:\\data\\kept.txt & echo new> C:\\app\\new.txt")
        denied = windows.docker("exec", name, "cmd", "/c", "echo new> C:\\new.txt", ok=False)
        assert (denied.returncode, denied.stderr.strip()) == (1, "Access is denied.")  # ContainerUser's, as on Windows
        assert docker("exec", "-i", name, "findstr", "x", stdin=b"line x\r\nline y\r\n") == "line x"
        assert docker("logs", name) == "begun"
        (tmp_path / "in.txt").write_text("copied")
        docker("cp", tmp_path / "in.txt", f"{name}:C:/data/in.txt")
        assert docker("exec", name, "cmd", "/c", "type C:\\data\\in.txt") == "copied"
        docker("cp", f"{name}:C:/data/kept.txt", tmp_path / "out.txt")
        assert (tmp_path / "out.txt").read_text().strip() == "kept"
        shown = docker("top", name).lower()
        assert "ping.exe" in shown and "launcher" not in shown  # it is the engine's own
        docker("stop", "-t", "1", name)
        docker("start", name)
        assert docker("inspect", "--format", "{{.State.Status}}", name) == "running"
        docker("kill", name)
        docker("commit", name, f"{name}:1")
    finally:
        docker("rm", "-f", name)
    assert docker("run", "--rm", "-v", f"{name}:C:\\data", f"{name}:1", "cmd", "/c",
                  "type C:\\data\\kept.txt & type C:\\app\\new.txt").split() == ["kept", "new"]
    docker("rmi", f"{name}:1")
    docker("volume", "rm", name)


def test_an_image_is_built_run_and_removed(docker: Docker, tmp_path: Path, name: str) -> None:
    (tmp_path / "made.txt").write_text("made")
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY made.txt C:/made/\nWORKDIR C:/made\n"
                                         "CMD [\"cmd\", \"/c\", \"type made.txt\"]\n")
    docker("build", "-t", f"{name}:1", tmp_path)
    assert docker("run", "--rm", f"{name}:1") == "made"
    docker("rmi", f"{name}:1")


def test_the_command_runs_a_program_in_pipes_and_in_a_terminal(windows: Engine) -> None:
    wcow = (windows.user.python, "-m", "imagebuild", "run", "--root", windows.root)
    offline, before = {"WCOW_OFFLINE": "1"}, windows.docker("ps", "-aq").stdout
    done = programs.run(*wcow, "-i", IMAGE, "findstr", "x", stdin=b"line x\r\nline y\r\n", env=offline,
                        cwd=Path("/"), user=windows.user)
    assert done.stdout.split() == ["line", "x"]
    with windows.terminal(*wcow, "-it", IMAGE, "cmd", **offline) as screen:
        screen.read_to(b"C:\\app>")
        screen.type(b"exit 6\r")
        assert screen.wait() == 6
    assert windows.docker("ps", "-aq").stdout == before
