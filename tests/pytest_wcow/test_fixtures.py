# SPDX-License-Identifier: Apache-2.0
"""Every fixture, marker, option and hook on the real embedded engine, in pytest runs as a user starts them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support import plugin_runs, programs, users
from support.plugin_runs import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=users.KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place(users.find(request.param)) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_left(place: Place, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "kept" not in request.node.name:
        assert place.containers() == []


def test_mounts_files_volumes_networks_images_and_the_sdk(place: Place) -> None:
    place.pytest(r'''
from pathlib import PureWindowsPath

def test_mounts(container_factory, volume_factory, tmp_path):
    volume = volume_factory({"a.txt": "hello", "sub\\b.bin": b"\0"})
    (tmp_path / "settings.json").write_text("{}")
    mounts = {r"C:\data": volume, r"C:\m": tmp_path, r"C:\app\x.json": tmp_path / "settings.json"}
    box = container_factory(mounts=mounts)
    assert box.path(r"C:\data\a.txt").read_text() == "hello"
    assert {one.name for one in box.path(r"C:\data").iterdir()} == {"a.txt", "sub"}
    assert box.path(r"C:\app\x.json").read_text() == "{}"
    assert container_factory(mounts={"D:": volume_factory(tmp_path)}).path(r"D:\settings.json").read_text() == "{}"
    box.cmd(r"echo back>C:\m\out.txt").check()
    assert (tmp_path / "out.txt").read_text() == "back\n"
    (tmp_path / "out.txt").unlink()

def test_networks(container_factory, network_factory):
    network = network_factory()
    container_factory(network=network.name, aliases=["web"])
    assert "Reply from" in container_factory(network=network.name).cmd("ping -n 1 web").check().stdout

def test_images(image_factory, container_factory, nanoserver_image):
    context = {"Dockerfile": f"FROM {nanoserver_image}\nCOPY a.txt C:/\nENV X=1\n", "a.txt": "in the image"}
    name = image_factory(context)
    assert image_factory(context) == name
    box = container_factory(name)
    assert (box.path(r"C:\a.txt").read_text(), box.environ["X"]) == ("in the image", "1")

def test_sdk(wcow_docker, nanoserver):
    for _ in range(5):
        assert wcow_docker.containers.get(nanoserver.id).exec_run("cmd /c echo sdk").output == b"sdk\r\n"

def test_files(nanoserver, tmp_path):
    path = nanoserver.path(r"C:\a & b (1)") / "gr\u00fc\u00dfe.txt"
    path.write_text("z")
    assert path.exists() and path.is_file() and not path.is_dir() and path.parent.is_dir()
    assert [one.name for one in path.parent.glob("*.txt")] == [path.name]
    path.copy_to(tmp_path / "copy.txt")
    assert (tmp_path / "copy.txt").read_text() == "z"
    nanoserver.copy_in(tmp_path, r"C:\in\deep")
    assert nanoserver.path(r"C:\in\deep\copy.txt").read_bytes() == b"z"
    path.unlink()
    assert not path.exists()

def test_registry(nanoserver):
    key = nanoserver.registry[r"HKCU\Software\App"]
    key["S"], key["N"], key["Q"], key["B"], key["M"] = "te xt", 5, 1 << 40, b"\1\2", ("a", "b c")
    key["gr\u00fc\u00dfe"] = "\u20ac"
    assert dict(key) == {"S": "te xt", "N": 5, "Q": 1 << 40, "B": b"\1\2", "M": ("a", "b c"),
                         "gr\u00fc\u00dfe": "\u20ac"}
    del key["N"]
    assert "N" not in key and "App" in nanoserver.registry[r"HKCU\Software"].subkeys()
    key.delete()
    assert r"HKCU\Software\App" not in nanoserver.registry

def test_more(nanoserver):
    assert "cmd.exe" in [row.name for row in nanoserver.top()]
    assert any(row.job for row in nanoserver.top())
    assert nanoserver.services["Eventlog"].state in ("running", "stopped")
    assert nanoserver.wait_for("Microsoft Windows") is nanoserver
    nanoserver.path(r"C:\new.txt").write_text("x")
    nanoserver.stop(1)
    assert any(change.path.endswith("new.txt") for change in nanoserver.changes())
''').passed(7)


def test_a_run_of_a_dockerfile_is_executed_for_the_image_of_a_test(place: Place) -> None:
    done = place.pytest(r'''
def test_run(image_factory, container_factory, nanoserver_image):
    lines = f"FROM {nanoserver_image}\nUSER ContainerAdministrator\n"
    name = image_factory(lines + "RUN echo by a program> C:\\made.txt & mkdir C:\\d\n")
    box = container_factory(name)
    assert box.path(r"C:\made.txt").read_text().strip() == "by a program"
    assert box.path(r"C:\d").is_dir()

def test_fails(image_factory, nanoserver_image):
    image_factory(f"FROM {nanoserver_image}\nRUN echo said before & exit 7\n")
''')
    assert done.counts == {"passed": 1, "failed": 1}, done.text
    assert "the image was not built" in done.text
    assert "returned a non-zero code: 7" in done.text, done.text
    assert "said before" in done.text
    assert "Traceback" not in done.text


def test_markers_and_parameters_choose_and_skip(place: Place) -> None:
    run = place.pytest(r'''
import pytest

@pytest.mark.requires_engine("windows")
def test_windows(nanoserver): raise AssertionError
@pytest.mark.requires_engine("embedded")
def test_embedded(nanoserver): pass
@pytest.mark.requires_feature("32bit")
def test_feature(nanoserver): raise AssertionError
@pytest.mark.windows_build(min=26100)
def test_build(nanoserver): raise AssertionError
@pytest.mark.isolation("hyperv")
def test_isolation(nanoserver): raise AssertionError
@pytest.mark.requires_feature("magic")
def test_wrong(nanoserver): pass
@pytest.mark.parametrize("nanoserver", [{"environ": {"X": "param"}}], indirect=True)
def test_param(nanoserver): assert nanoserver.environ["X"] == "param"
def test_scopes(nanoserver_module, nanoserver_session, servercore):
    assert len({nanoserver_module.id, nanoserver_session.id, servercore.id}) == 3
''', "-rs")
    assert run.counts == {"passed": 3, "skipped": 4, "error": 1}, run.text
    assert "the marker requires_feature('magic') has no meaning" in run.text


def test_overrides_and_hooks_are_asked(place: Place) -> None:
    place.pytest({"conftest.py": r'''
import pytest
said = []
@pytest.fixture(scope="session")
def nanoserver_args(): return {"environ": {"FROM": "args"}}
def pytest_wcow_engine(config, wanted): said.append(("engine", wanted))
def pytest_wcow_configure_container(spec, engine, request): return spec.with_facts(hostname="named")
def pytest_wcow_compat(report, spec, engine): return "run"
def pytest_wcow_container_started(container, engine, request): said.append(("started", container.id))
def pytest_wcow_container_stopped(container, engine, failed): said.append(("stopped", failed))
def pytest_wcow_decode(data, container): return data.decode("ascii").upper()
def pytest_wcow_wait_strategies(spec, engine): return ["MICROSOFT WINDOWS"]
''', "test_it.py": r'''
from conftest import said
def test_one(nanoserver):
    assert nanoserver.run(["cmd", "/c", "echo %FROM% %COMPUTERNAME%"]).stdout == "ARGS NAMED\r\n"
    assert said == [("engine", "auto"), ("started", nanoserver.id)]
def test_two():
    assert said[-1] == ("stopped", False)
'''}, "-p", "no:randomly").passed(2)


def test_a_failed_test_shows_the_container_s_log_in_all_reports(place: Place) -> None:
    run = place.pytest(r'''
def test_it(nanoserver):
    nanoserver.wait_for("Microsoft Windows")  # its log is empty until its own cmd has begun
    nanoserver.run(["cmd", "/c", "echo said & exit 3"]).check()
''', "--junit-xml=r.xml", "-o", "junit_logging=all", "--wcow-artifacts=retain-on-failure", "--wcow-timeline=t.html")
    assert run.counts == {"failed": 1}
    assert "the command ended with 3" in run.text
    assert "containers/inside/outcome.py" not in run.text
    folder = max(place.folder.iterdir(), key=lambda one: one.stat().st_mtime)
    xml = ElementTree.parse(folder / "r.xml")
    for said in ("".join(one.text or "" for one in xml.iter("system-out")), run.text):
        assert "Microsoft Windows" in said
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} start$", said, re.MULTILINE), said
        assert re.search(r'^State: \{"Status": "running", "Running": true', said, re.MULTILINE), said
    properties = {one.get("name"): one.get("value") for one in xml.iter("property")}
    assert properties["wcow_os_version"] == "10.0.20348.1"
    assert float(properties["wcow_start_seconds"] or 0) > 0
    (artifacts,) = (folder / "wcow-artifacts").iterdir()
    assert {one.name for one in artifacts.iterdir()} == {"log.txt", "log.raw", "inspect.json", "events.jsonl"}
    assert json.loads((artifacts / "inspect.json").read_text())["State"]["Running"]
    page = (folder / "t.html").read_text()
    assert 'class="bar failed"' in page
    assert "http" not in page.replace("http-equiv", "")


def test_workers_of_xdist_share_a_session_container_and_each_has_its_own(place: Place) -> None:
    run = place.pytest(r'''
import pytest
@pytest.mark.parametrize("n", range(6))
def test_shared(nanoserver_session, n):
    print("ID", nanoserver_session.id)
    assert nanoserver_session.cmd(f"echo {n}").stdout == f"{n}\n"
def test_a(nanoserver): assert nanoserver.cmd("ver").ok
def test_b(nanoserver): assert nanoserver.cmd("ver").ok
''', "-n", "3", "-rP", "--wcow-durations=50")
    assert run.counts == {"passed": 8}, run.text
    assert len({line for line in run.text.splitlines() if line.startswith("ID ")}) == 1
    assert run.text.count(" s start nanoserver") == 3


def test_a_reused_container_stays_for_the_next_run_and_a_kept_one_for_its_reader(place: Place) -> None:
    text = "def test_it(nanoserver_session): print('ID', nanoserver_session.id)\n"
    ids = {line for _ in range(2) for line in place.pytest(text, "--wcow-reuse", "-rP").text.splitlines()
           if line.startswith("ID ")}
    assert len(ids) == 1
    run = place.pytest("def test_it(nanoserver): assert 0\n", "--wcow-keep")
    assert "kept container" in run.text
    assert len(place.containers()) == 2
    programs.run(place.user.python, "-m", "imagebuild", "sweep", "--all", "--yes", "--engine",
                 f"unix://{place.root}/engine.sock", cwd=plugin_runs.HERE, user=place.user)
    assert place.containers() == []


HANGS = r'''
import os, signal, time
def test_hangs(nanoserver, tmp_path_factory):
    open("ready", "w").close()
    time.sleep(60)
'''


def hanging(place: Place) -> tuple[subprocess.Popen[bytes], Path]:
    """A run in the middle of a test, with a container."""
    folder = place.folder / f"hang{time.monotonic_ns()}"
    folder.mkdir()
    place.user.own(folder)
    (folder / "test_it.py").write_text(HANGS)
    run = place.start(folder)
    end = time.monotonic() + 200
    while not (folder / "ready").exists():
        assert time.monotonic() < end and run.poll() is None, run.communicate()[0].decode()
        time.sleep(0.05)
    return run, folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(place: Place, number: signal.Signals) -> None:
    run, _ = hanging(place)
    os.kill(run.pid, number)
    out = run.communicate(timeout=300)[0].decode()
    assert run.returncode == 2, out
    assert "KeyboardInterrupt" in out
    assert place.containers() == []


def test_what_a_killed_run_leaves_the_next_one_sweeps(place: Place) -> None:
    run, _ = hanging(place)
    run.kill()
    run.communicate()
    assert len(place.containers()) == 1
    assert "removed what earlier runs left" in place.pytest("def test_it(wcow_engine): pass\n", "-v").passed(1).text
    assert place.containers() == []


def test_bad_input_is_told_with_what_to_do(place: Place) -> None:
    run = place.pytest(r'''
from pathlib import Path
def test_drive(container_factory): container_factory(mounts={"C:\\": Path("/")})
def test_missing(container_factory): container_factory(mounts={"C:\\x": Path("/nope")})
def test_exits(container_factory): container_factory(command=["cmd", "/c", "echo early & exit 7"], wait="ready")
def test_image(container_factory): container_factory("nope.invalid/x:1")
''')
    assert run.counts == {"failed": 4}
    for text in ("Windows mounts nothing over the drive C:", "make the folder first", "the container ended with 7",
                 "early", "cannot find nope.invalid/x:1"):
        assert text in run.text, run.text
    assert "Traceback" not in run.text
    assert "During handling" not in run.text


def test_a_container_that_floods_its_log_holds_no_run(place: Place) -> None:
    run = place.pytest(r'''
def test_it(container_factory):
    box = container_factory(command=["cmd", "/c", "for /l %i in (1,0,2) do @echo 0123456789012345678901234567890"])
    box.wait_for("0123456789")
    assert len(box.logs(tail=5).splitlines()) == 5
    assert not box.inspect().state.running
''', "--wcow-artifacts=retain-on-failure", timeout=180)
    assert run.counts == {"failed": 1}, run.text[-3000:]
    assert "0123456789" in run.text
    assert "Traceback" not in run.text


def test_an_engine_that_is_killed_in_mid_test_fails_that_test_and_the_next_run_has_one_again(place: Place) -> None:
    run = place.pytest(r'''
import os, signal
from imagebuild.engine import running
from pathlib import Path
def test_it(nanoserver):
    os.kill(running(Path(os.environ["WCOW_ENGINE_ROOT"])).pid, signal.SIGKILL)
    nanoserver.cmd("ver")
''')
    assert run.counts == {"failed": 1}, run.text
    assert "what is left" in run.text
    assert "Traceback" not in run.text
    place.pytest(plugin_runs.HELLO).passed(1)


def test_the_check_says_what_is_there_and_runs_no_test(place: Place) -> None:
    run = place.pytest("def test_it(): raise AssertionError\n", "--wcow-check")
    assert run.code == 0
    assert "the embedded engine (Wine), build 20348" in run.text
    assert place.pytest(HANGS, "--wcow-check", "--wcow-engine=unix:///nope").code == 1
