# SPDX-License-Identifier: Apache-2.0
"""``make demo`` shows what it promises, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import programs, windows_programs

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "examples/demo/run"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the demo runs in: the command of this environment, a TMPDIR and a home of its own."""
    with programs.skipping():
        programs.find("docker-registry"), programs.find("skopeo")
    if not Path(sys.executable).with_name("wcow").exists():
        pytest.skip("the command wcow is not installed beside this Python (pip install -e .)")
    tmp_path.chmod(0o755)
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {"PATH": path, "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1"}


def left(environment: dict[str, str]) -> list[object]:
    """Files and processes that the demo left."""
    needle = environment["TMPDIR"].encode()
    alive: list[object] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if needle in path.read_bytes():
                alive.append(path)
        except OSError:
            continue
    return alive + list(Path(environment["TMPDIR"]).iterdir())


def test_the_demo_builds_pushes_pulls_and_shows_two_images(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run([DEMO], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    digests = dict(re.findall(r"^  (built|pulled) +(sha256:[0-9a-f]{64})$", done.stdout, re.MULTILINE))
    assert digests["built"] == digests["pulled"]
    for shown in ("node-setup.cmd  121 B  A  BUILTIN\\Administrators", "SOFTWARE  8,192 B", "latest => v2",
                  r"current => C:\app\site\v2", "allow User Manager\\ContainerUser: modify",
                  "allow BUILTIN\\Users: read & execute (inherited)",
                  "EpMapDisallowedProtocols    REG_SZ    ncacn_ip_tcp",
                  r"- HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\DiagTrack", "pause-base:1: nothing found"):
        assert shown in done.stdout, shown
    assert left(environment) == []


def test_the_demo_runs_as_a_normal_user(environment: dict[str, str], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this test run is a normal user's, so the test above is this one")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*user, "test", "-x", sys.executable, "-a", "-x", DEMO], check=False).returncode:
        pytest.skip(f"{REPOSITORY} can be read by root only")
    done = subprocess.run([*user, DEMO], env=environment, cwd="/", capture_output=True, text=True, timeout=400,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done." in done.stdout and left(environment) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_takes_its_registry_with_it(
        environment: dict[str, str], stop: signal.Signals, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        demo = subprocess.Popen([DEMO], env=environment, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + 60
    while b"wcow build" not in (tmp_path / "log").read_bytes():  # the registry runs, a build begins
        assert demo.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text()
        time.sleep(0.02)
    os.killpg(demo.pid, stop)  # as a terminal does
    assert demo.wait(30) in (130, 143)
    assert left(environment) == []


def test_the_demo_runs_powershell_in_servercore_and_asks_an_aspnet_core_container(environment: dict[str, str],
                                                                                  tmp_path: Path) -> None:
    with programs.skipping():
        powershell, samples = windows_programs.powershell(), windows_programs.dotnet()
    given = {**environment, "WCOW_POWERSHELL": str(powershell), "WCOW_DOTNET_SAMPLES": str(samples)}
    done = subprocess.run([DEMO], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if "No engine on this machine" in done.stdout:
        pytest.skip("no engine runs here, and the demo says so")
    _unused, _heading, shown = done.stdout.partition("PowerShell where Windows has it, and ASP.NET Core")
    asked, _line, answered = shown.partition("$ docker run --detach --name web")
    assert re.search(r"^ +Caption : Microsoft Windows Server 2022 Datacenter$", asked, re.MULTILINE)
    assert re.search(r"^ +Version : 10\.0\.20348$", asked, re.MULTILINE)
    answer = answered.partition("$ curl")[2].partition("$ docker stop web")[0]
    assert "hello from" in answer.lower(), answer
    assert left(environment) == []


def test_the_demo_shows_real_programs_of_windows_or_says_how_to_get_them(environment: dict[str, str],
                                                                         tmp_path: Path) -> None:
    done = subprocess.run([DEMO], env={**environment, "WCOW_SHARED": str(tmp_path)}, cwd=tmp_path, capture_output=True,
                          text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if "No engine on this machine" not in done.stdout:
        assert "'wcow powershell install' gets it" in done.stdout and "No .NET here" in done.stdout
