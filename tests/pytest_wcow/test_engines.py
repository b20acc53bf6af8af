# SPDX-License-Identifier: Apache-2.0
"""Which engine a run takes, and on which images: options, environment, ini file, Docker's settings, pools."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support import programs, tunnels
from support.plugin_stage import HERE, Stage, loaded
from support.scripted_engine import IMAGE, Script, scripted

from imagebuild import wiring
from imagebuild.errors import ToolError

pytest_plugins = "pytester"

SAYS = '''
def test_it(wcow_engine): print("AT", wcow_engine.address)
'''
OTHER = "registry.example/other:1"
CORE = "mcr.microsoft.com/windows/servercore:ltsc2022"


@pytest.fixture
def linux(tmp_path: Path) -> Iterator[str]:
    """The address of an engine that runs Linux containers."""
    (tmp_path / "linux").mkdir()
    with scripted(tmp_path / "linux", Script(os_type="linux")) as address:
        yield address


@pytest.fixture
def embedded(on: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stage's engine in place of the embedded one; gets a line each time that one is wanted."""
    _embedded = loaded("_engines.engine").embedded  # the one that it asks

    wanted: list[str] = []

    def ensure(say: Any) -> str:
        wanted.append("embedded")
        return on.address

    monkeypatch.setattr(_embedded, "ensure_embedded", ensure)
    return wanted


def context(folder: Path, name: str, host: str) -> None:
    """What ``docker context create`` writes."""
    place = folder / "contexts" / "meta" / sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (place / "meta.json").write_text(json.dumps(document))


def test_auto_takes_a_windows_engine_of_docker_host(
        on: Stage, embedded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", on.address)
    result = on.run(SAYS, "-rP", address="auto")
    result.stdout.fnmatch_lines([f"AT {on.address}"])
    assert embedded == []


def test_auto_takes_a_windows_engine_of_docker_s_context(
        on: Stage, embedded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    context(tmp_path / "docker", "windows", on.address)
    (tmp_path / "docker/config.json").write_text('{"currentContext": "windows"}')
    on.run(SAYS, address="auto").assert_outcomes(passed=1)
    assert embedded == []


@pytest.mark.parametrize("there", ["linux", "nothing"])
def test_auto_takes_the_embedded_engine_where_docker_s_is_a_linux_one_or_none(
        on: Stage, embedded: list[str], linux: str, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", linux if there == "linux" else "unix:///nope.sock")
    on.run(SAYS, address="auto").assert_outcomes(passed=1)
    assert embedded == ["embedded"]


def test_a_linux_engine_that_is_named_is_refused_with_what_to_do(on: Stage, linux: str) -> None:
    result = on.run(SAYS, address=linux)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*runs linux containers*", "*--wcow-engine=embedded*"])


def test_a_context_of_docker_can_be_named(
        on: Stage, linux: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("DOCKER_HOST", linux)
    context(tmp_path / "docker", "build-server", on.address)
    on.run(f'''
def test_it(wcow_engine): assert wcow_engine.env["DOCKER_HOST"] == {on.address!r}
''', address="context://build-server").assert_outcomes(passed=1)
    result = on.again(address="context://no-such-context")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*cannot use the docker context 'no-such-context'*"])


def test_the_option_goes_before_the_variable_and_that_before_the_ini_file(
        on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on.pytester.makeini("[pytest]\nwcow_engine = unix:///of-the-ini.sock\n")
    on.pytester.makepyfile(test_it=SAYS)
    on.again().assert_outcomes(passed=1)
    run = on.pytester.runpytest_inprocess("-p", "pytest_wcow", "-p", "no:cacheprovider")
    run.stdout.fnmatch_lines(["*unix:///of-the-ini.sock*"])
    monkeypatch.setenv("WCOW_ENGINE", "unix:///of-the-variable.sock")
    run = on.pytester.runpytest_inprocess("-p", "pytest_wcow", "-p", "no:cacheprovider")
    run.stdout.fnmatch_lines(["wcow: engine=unix:///of-the-variable.sock, image=usual", "*unix:///of-the-variable.sock*"])


INI = """[pytest]
wcow_missing = skip
wcow_image = registry.example/other:1
wcow_servercore_image = registry.example/core:1
wcow_reuse = true
wcow_max_starts = 3
wcow_artifacts = on
wcow_artifacts_dir = kept
wcow_durations = 2
"""


def test_every_ini_key_is_read(on: Stage) -> None:
    on.pytester.makeini(INI)
    on.script.images |= {OTHER, "registry.example/core:1"}
    result = on.run('''
def test_it(nanoserver, servercore, wcow_engine):
    assert (nanoserver.spec.image, servercore.spec.image) == ("registry.example/other:1", "registry.example/core:1")
    assert wcow_engine.starts.most == 3
''')
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["wcow: *image=registry.example/other:1*reuse=yes", "*wcow: slowest 2*"])
    assert len(list(on.pytester.path.glob("kept/*/log.txt"))) == 2
    on.again(address="unix:///nope.sock").assert_outcomes(skipped=1)


@pytest.mark.parametrize(("line", "said"), [
    ("wcow_missing = maybe", "wcow_missing is 'maybe', and it has to be one of fail, skip"),
    ("wcow_artifacts = x", "has to be one of off, on, retain-on-failure"),
    ("wcow_max_starts = many", "wcow_max_starts is 'many', and it has to be a number"),
    ("wcow_durations = -1", "has to be a number")])
def test_a_wrong_ini_value_ends_the_run_before_any_test(on: Stage, line: str, said: str) -> None:
    on.pytester.makeini(f"[pytest]\n{line}\n")
    result = on.run(SAYS)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}*"])


def test_images_are_chosen_by_option_marker_and_parameter(on: Stage) -> None:
    on.script.images |= {OTHER, CORE, "registry.example/third:1"}
    on.run(f'''
import pytest
from imagebuild.containers import Spec
def test_option(nanoserver, nanoserver_image): assert nanoserver.spec.image == nanoserver_image == {OTHER!r}
def test_core(servercore): assert servercore.spec.image == {CORE!r}
@pytest.mark.wcow_image("registry.example/third:1")
def test_marker(nanoserver, servercore):
    assert {{nanoserver.spec.image, servercore.spec.image}} == {{"registry.example/third:1"}}
@pytest.mark.parametrize("nanoserver", ["registry.example/third:1"], indirect=True)
def test_name(nanoserver): assert nanoserver.spec.image == "registry.example/third:1"
@pytest.mark.parametrize("servercore", [Spec.of({IMAGE!r}, hostname="web")], indirect=True)
def test_spec(servercore, request):
    assert servercore.spec.hostname == "web"
    assert "nanoserver:ltsc2022" in request.node.name
''', f"--wcow-image={OTHER}", f"--wcow-servercore-image={CORE}").assert_outcomes(passed=5)


@pytest.mark.parametrize("mark", ["wcow_image()", "wcow_image(3)", "wcow_image('a', 'b')", "isolation('vm')",
                                  "isolation()", "windows_build('new')", "windows_build(1, 2, 3)",
                                  "requires_engine('linux')", "requires_feature()"])
def test_a_marker_with_a_wrong_value_is_an_error_that_says_what_it_takes(on: Stage, mark: str) -> None:
    result = on.run(f"import pytest\n@pytest.mark.{mark}\ndef test_it(nanoserver): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no meaning: it takes*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert "create" not in on.script.asked


def test_servercore_has_arguments_and_lives_of_its_own(on: Stage) -> None:
    on.script.images.add(CORE)
    on.pytester.makeconftest('''
import pytest
@pytest.fixture(scope="session")
def servercore_args(): return {"hostname": "core"}
@pytest.fixture(scope="session")
def nanoserver_args(): return {"hostname": "nano"}
''')
    on.run('''
ids = []
def test_one(servercore, servercore_module, servercore_session, nanoserver):
    assert {one.spec.hostname for one in (servercore, servercore_module, servercore_session)} == {"core"}
    assert nanoserver.spec.hostname == "nano"
    ids.append((servercore.id, servercore_module.id, servercore_session.id))
def test_two(servercore, servercore_module, servercore_session):
    assert servercore.id != ids[0][0]
    assert (servercore_module.id, servercore_session.id) == ids[0][1:]
''').assert_outcomes(passed=2)
    assert on.script.asked.count("create") == 5
    assert on.script.states == {}


@pytest.mark.slow
def test_workers_spread_over_a_pool_of_engines(on: Stage, tmp_path: Path) -> None:
    with ExitStack() as stack:
        addresses = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            addresses.append(stack.enter_context(scripted(tmp_path / name, Script())))
        run = on.start('''
import time
import pytest
@pytest.mark.parametrize("n", range(8))
def test_it(nanoserver_session, wcow_engine, worker_id, n):
    print("AT", worker_id, wcow_engine.address)
    time.sleep(0.2)
''', *(f"--wcow-engine={one}" for one in addresses), "-n", "4", "-rP")
        text = run.communicate(timeout=300)[0]
    assert "8 passed" in text, text
    places = {tuple(line.split()[1:]) for line in text.splitlines() if line.startswith("AT ")}
    pool = [on.address, *addresses]
    assert all(address == pool[int(worker[2:]) % 3] for worker, address in places)
    assert len({address for _, address in places}) > 1
    assert on.script.states == {}


@pytest.mark.slow
def test_a_host_is_reached_through_a_tunnel(on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine's docker client is this machine's, in front of the scripted engine."""
    with programs.skipping():
        programs.find("docker")
    with tunnels.winrm_host(tmp_path, engine=on.address) as (host, _):
        monkeypatch.setattr(wiring, "host_named", lambda settings, text: host)
        (tmp_path / "data").mkdir()
        on.run(f'''
import os
from pathlib import Path
from imagebuild.dockerapi import Client
def test_it(container_factory, wcow_engine):
    box = container_factory(mounts={{"C:/data": Path({str(tmp_path / "data")!r})}}, ports=[80])
    assert box.cmd("ver").ok
    assert box.ports[80][0] == "localhost"
    with Client.at(wcow_engine.env["DOCKER_HOST"]) as client:
        assert len(client.json("GET", "/containers/json")) == 1
def test_next(nanoserver_session): assert nanoserver_session.inspect().state.running
def test_host(windows_host, tmp_path):
    assert windows_host.run(["cat"], stdin=b"hello").out == b"hello"
    with windows_host.engine() as client:
        assert client.ping().os_type == "windows"
''', address="winrm://Administrator@build1").assert_outcomes(passed=3)
    (mount,) = on.script.created[0]["HostConfig"]["Mounts"]
    assert mount["Type"] == "volume"
    assert on.script.states == {}


def test_of_an_engine_with_an_address_of_its_own_the_host_is_what_the_engine_says(on: Stage) -> None:
    on.run('''
import pytest
from imagebuild.errors import UnsupportedError
def test_it(windows_host, wcow_engine):
    assert windows_host.facts().host.version.build == 20348
    with pytest.raises(UnsupportedError, match="the address of an engine alone"):
        windows_host.powershell("1")
''').assert_outcomes(passed=1)


def test_a_host_whose_password_is_not_given_is_an_error_that_names_the_variable(on: Stage) -> None:
    result = on.run(SAYS, address="winrm://Administrator@build1.invalid")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*needs a password*", "*WCOW_HOST_PASSWORD*"])


def test_an_engine_that_cannot_start_says_what_to_install(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _embedded = loaded("_engines.engine").embedded  # the one that it asks

    import imagebuild.engine

    def ensure(**_: Any) -> None:
        raise ToolError("the engine did not start", program="wcow engine")

    monkeypatch.setattr(imagebuild.engine, "ensure", ensure)
    monkeypatch.setattr(_embedded, "missing_packages", lambda: ("bubblewrap", "wine64"))
    result = on.run(SAYS, address="embedded")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the engine did not start: not installed: bubblewrap, wine64*",
                                 "*sudo apt-get install -y bubblewrap wine64*"])
    on.again("--wcow-missing=skip", address="embedded").assert_outcomes(skipped=1)
    result = on.again("--wcow-check", address="embedded")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["engine embedded: *not installed*", "*sudo apt-get install -y bubblewrap wine64*"])


def _pytest(on: Stage, before: str, after: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin in a Python of its own, and look around there afterwards."""
    code = f"{before}\nimport sys, pytest\ncode = pytest.main(['-p', 'pytest_wcow', '-p', 'no:cacheprovider', " \
           f"'-q', '.', *{list(args)!r}])\n{after}\nsys.exit(code)"
    return subprocess.run([sys.executable, "-c", code], cwd=on.pytester.path, capture_output=True, text=True,
                          check=False, env={"PYTHONPATH": f"{HERE / 'plugins'}:{HERE}"})


def test_a_collection_loads_nothing_but_pytest_and_what_windows_has_too(on: Stage) -> None:
    on.pytester.makepyfile(test_it=SAYS)
    done = _pytest(on, """
import sys
for name in ("fcntl", "pwd", "grp", "resource", "termios"):
    sys.modules[name] = None
""", """
assert not {name.partition(".")[0] for name in sys.modules} & {"imagebuild", "docker", "requests"}
assert "pytest_wcow._run" not in sys.modules
""", "--co")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 test collected" in done.stdout


def test_modules_of_the_plugin_and_the_library_are_not_rewritten(on: Stage) -> None:
    """pytest would parse each anew in every run, wherever it cannot write beside them."""
    on.pytester.makepyfile(
        conftest="import pytest\npytest.register_assert_rewrite('imagebuild', 'others')", others="",
        test_it="def test_it():\n    import others, imagebuild.containers, imagebuild.wiring")
    done = _pytest(on, "", """
from _pytest.assertion.rewrite import AssertionRewritingHook
rewritten = {name for name, one in sys.modules.items()
             if isinstance(getattr(one, "__loader__", None), AssertionRewritingHook)}
assert {name for name in rewritten if name.partition(".")[0] in ("imagebuild", "pytest_wcow")} <= {
    "pytest_wcow", "pytest_wcow._plain"}, rewritten
assert "others" in rewritten
assert "imagebuild.wiring" in sys.modules
""")
    assert done.returncode == 0, done.stdout + done.stderr
