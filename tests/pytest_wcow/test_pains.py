# SPDX-License-Identifier: Apache-2.0
"""What people file against test tools for Windows containers, and what happens here: one test for each.

The engine is scripted, because Wine never fails as Windows does; its texts are those of the failure catalogue. Where a
pain can be shown on the embedded engine, ``test_fixtures.py`` shows it too.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from support.plugin_stage import Stage, loaded
from support.scripted_engine import IMAGE, words

from imagebuild.containers import ForDns, Home, Mount, Staging, prepare_mounts, start, trouble_of, wait
from imagebuild.containers import lifecycle as lifecycle_module
from imagebuild.containers.mounts import prepare, stage
from imagebuild.errors import DaemonError, UsageError

pytest_plugins = "pytester"

PARALLEL = ("container 01 encountered an error during hcs::System::CreateComputeSystem: failure in a Windows system "
            "call: Incorrect function. (0x1)")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries are not waited for."""
    quickly = types.SimpleNamespace(sleep=lambda seconds: None, monotonic=__import__("time").monotonic)
    for module in (lifecycle_module, start):
        monkeypatch.setattr(module, "time", quickly)


PAINS = 25
"""Twenty that people file most, and five after them."""


def test_each_pain_has_a_test_named_after_it() -> None:
    assert {int(name[10:12]) for name in globals() if name.startswith("test_pain_")} == set(range(1, PAINS + 1))


ONE = "def test_one(nanoserver): pass"


@pytest.mark.slow
def test_pain_01_nothing_but_the_test_s_own_container_is_needed_to_clean_up(on: Stage) -> None:
    on.run(ONE).assert_outcomes(passed=1)
    (created,) = on.script.created
    assert not (created["HostConfig"] or {}).get("Mounts")
    assert created["Labels"]["io.wcow.pid"] == str(os.getpid())
    assert on.script.states == {}


@pytest.mark.parametrize(("text", "again"), [
    ("open //./pipe/docker_engine: All pipe instances are busy.", True), (words("pipe-denied"), False),
    (words("pipe-missing"), False)])
def test_pain_02_a_busy_pipe_is_tried_again_and_a_missing_or_denied_one_is_explained(text: str, again: bool) -> None:
    assert (trouble_of(text, "connect") is not None) == again
    from pytest_wcow._report.trouble import remedy

    assert again or remedy(text)


def test_pain_02_a_busy_pipe_is_found_free_after_a_while() -> None:
    _engine = loaded("_engines.engine")

    answers: list[Any] = [DaemonError("cannot reach it", status=0, why="All pipe instances are busy")] * 2

    def ping() -> Any:
        if answers:
            raise answers.pop()
        return types.SimpleNamespace(os_type="windows")

    _engine.expect_windows(types.SimpleNamespace(ping=ping), "npipe:////./pipe/docker_engine")  # type: ignore[arg-type]
    assert not answers


def test_pain_03_an_image_for_another_windows_skips_the_test_with_the_reason(on: Stage) -> None:
    on.script.image_version = "10.0.26100.1"
    result = on.run(ONE, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*10.0.26100.1 does not run on *20348*"])
    assert "create" not in on.script.asked


def test_pain_03_an_older_image_starts_with_hyper_v_isolation(on: Stage) -> None:
    on.script.image_version = "10.0.17763.1"
    on.run(ONE, "-rs").assert_outcomes(passed=1)
    assert on.script.created[0]["HostConfig"]["Isolation"] == "hyperv"


def test_pain_04_a_file_can_be_mounted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    staging = Staging(tmp_path / "stage")
    (mount,), _ = prepare_mounts([Mount(str(tmp_path / "a.json"), r"C:\app\b.json")], Home(), staging)
    assert Path(mount.source).is_dir()
    assert (mount.target, Path(mount.source, "b.json").read_text()) == (r"C:\app", "{}")


@pytest.mark.slow
def test_pain_05_a_mount_over_the_drive_is_refused_before_the_engine_is_asked(on: Stage) -> None:
    result = on.run(r'''
        from pathlib import Path
        def test_one(container_factory): container_factory(mounts={"C:\\": Path("/")})
    ''')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Windows mounts nothing over the drive C:*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert "create" not in on.script.asked


def test_pain_06_a_writable_mount_lets_every_account_write_there(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> Any:
        said.append(argv)
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(prepare, "subprocess", types.SimpleNamespace(run=run))
    monkeypatch.setattr(prepare, "os", types.SimpleNamespace(name="nt"))
    prepare_mounts([Mount(str(tmp_path), r"C:\x", writable=True), Mount(str(tmp_path), r"C:\y")], Home(), Staging())
    assert said == [["icacls", str(tmp_path), "/grant", "*S-1-5-32-545:(OI)(CI)M"]]


def test_pain_07_a_copy_into_a_running_hyper_v_container_does_not_use_the_archive_call(
        on: Stage, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    box = on.box(isolation="hyperv")
    box.copy_in(tmp_path / "a.txt", r"C:\app\a.txt")
    assert on.script.put == []
    assert ["tar", "-xf", "-", "-C", "C:\\app"] in [argv for argv, _ in on.script.execs.values()]


def test_pain_08_a_copy_into_a_mount_never_goes_by_the_archive_call_into_it(on: Stage, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    box = on.box(mounts={r"C:\data": "volume"})
    box.copy_in(tmp_path / "a.txt", r"C:\DATA\sub\a.txt")
    assert len(on.script.put) == 1
    assert on.script.put[0].startswith("C:\\wcow-copy-")
    assert any(argv[0] == "xcopy" and argv[2] == "C:\\DATA\\sub" for argv, _ in on.script.execs.values())
    with pytest.raises(UsageError, match="read-only"):
        on.box(mounts=[Mount("v", r"C:\ro", "volume", read_only=True)]).copy_in(tmp_path / "a.txt", r"C:\ro\a.txt")


def test_pain_09_a_removal_that_flakes_is_stopped_waited_for_and_tried_again(on: Stage) -> None:
    on.script.fails["delete"] = ["tried to kill container, but did not receive an exit event"] * 2
    on.run(ONE).assert_outcomes(passed=1)
    assert on.script.asked[-6:] == ["start", "stop", "wait", "delete", "delete", "delete"]
    assert on.script.states == {}


def test_pain_10_what_cannot_be_removed_is_told_in_the_summary_and_fails_no_test(on: Stage) -> None:
    on.script.fails["delete"] = [words("remove-rootfs")] * 99
    result = on.run(ONE)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*what is left*", "container *test_one*failed to remove root filesystem*",
                                 "'wcow sweep' removes*"])


@pytest.mark.slow
def test_pain_11_a_slow_start_is_paid_once_and_shown(on: Stage) -> None:
    result = on.run('''
        import pytest
        @pytest.mark.parametrize("n", range(5))
        def test_one(nanoserver_session, n): pass
    ''', "--wcow-durations=3")
    result.assert_outcomes(passed=5)
    assert on.script.asked.count("start") == 1
    result.stdout.fnmatch_lines(["* s start nanoserver:ltsc2022*"])


def test_pain_12_an_error_of_parallel_starts_is_tried_again(on: Stage) -> None:
    on.script.fails["start"] = [PARALLEL, words("resource-in-use")]
    on.run(ONE).assert_outcomes(passed=1)
    assert on.script.asked.count("start") == 3


@pytest.mark.slow
def test_pain_12_containers_start_one_at_a_time_on_a_windows_engine(on: Stage) -> None:
    on.script.start_seconds = 0.05
    text = '''
        from concurrent.futures import ThreadPoolExecutor
        def test_one(container_factory):
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: container_factory(), range(4)))
    '''
    on.run(text).assert_outcomes(passed=1)
    assert on.script.starts_most == 1
    on.run(text, "--wcow-max-starts=4").assert_outcomes(passed=1)
    assert on.script.starts_most > 1


@pytest.mark.slow
def test_pain_13_an_image_is_pulled_once_and_the_time_is_shown(on: Stage) -> None:
    on.script.images.clear()
    result = on.run("def test_one(nanoserver, container_factory): container_factory()", "--wcow-durations=9")
    result.assert_outcomes(passed=1)
    assert on.script.asked.count("pull") == 1
    result.stdout.fnmatch_lines([f"* s pull {IMAGE}"])


def test_pain_14_a_port_that_is_not_published_to_the_host_itself_is_reached_by_the_container_s_address(
        on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    box = on.box(ports=[80])
    box.home = Home(local=True)
    assert box.ports == {80: ("127.0.0.1", 49153)}
    monkeypatch.setattr(wait, "connects", lambda host, port, *_: port == 80)
    assert box.reachable(80) == ("127.0.0.1", 80)
    assert box.url(80) == "http://127.0.0.1:80/"


@pytest.mark.slow
def test_pain_15_a_taken_port_is_called_so(on: Stage) -> None:
    on.script.fails["start"] = [words("hns-port-in-use")] * 9
    result = on.run("def test_one(container_factory): container_factory(ports={80: 8080})")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a port that it publishes is taken*", "*publish another port*"])
    assert on.script.asked.count("start") == 1


def test_pain_16_names_are_waited_for(on: Stage) -> None:
    answers = [b"Ping request could not find host db. Please check the name and try again.\r\n"] * 2
    found = b"Pinging db [10.0.0.2] with 32 bytes\r\n"
    on.script.run = lambda argv: (1, answers.pop(), b"") if answers else (0, found, b"")
    on.box().wait_for(ForDns("db"), timeout=10)
    assert not answers
    on.box(dns=["10.0.0.1"])
    assert on.script.created[-1]["HostConfig"]["Dns"] == ["10.0.0.1"]


@pytest.mark.parametrize("data", [
    "gr\u00fc\u00dfe\r\n".encode("utf-16"), b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9fe\r\n", b"gr\xc3\xbc\xc3\x9fe\r\n",
    b"gr\x81\xe1e\r\n", "gr\u00fc\u00dfe\r\n".encode("utf-16-le")],
    ids=["utf-16", "bom", "utf-8", "cp437", "utf-16-le"])
def test_pain_17_output_is_text_whatever_its_encoding(on: Stage, data: bytes) -> None:
    on.script.run = lambda argv: (0, data, b"")
    found = on.box().run(["x"])
    assert found.stdout == "gr\u00fc\u00dfe\n"
    assert found.raw.stdout == data


def test_pain_18_a_line_with_quotes_reaches_cmd_as_it_is(on: Stage) -> None:
    on.box().cmd('echo "a b" & type "C:\\a b"')
    ((argv, _),) = on.script.execs.values()
    assert '"' not in "".join(argv)


@pytest.mark.slow
def test_pain_19_an_exit_code_has_its_name(on: Stage) -> None:
    on.script.run = lambda argv: (3221225786, b"", b"")
    result = on.run('def test_one(nanoserver): nanoserver.run(["x"]).check()')
    result.stdout.fnmatch_lines(["E *ended with 3221225786 (0xc000013a STATUS_CONTROL_C_EXIT*"])


def test_pain_20_output_that_comes_with_the_head_is_not_lost() -> None:
    from pytest_wcow._engines.sdk import CarefulResponse

    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nOUTPUT")
        answer = CarefulResponse(here)
        answer.begin()
        assert here.recv(100) == b"OUTPUT"  # the SDK reads from the socket itself
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        usual = CarefulResponse(here)
        usual.begin()
        assert usual.read() == b"hello"
        there.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nOUTPUT")
        here.settimeout(0.1)
        http.client.HTTPResponse(here).begin()
        with pytest.raises(TimeoutError):  # what the SDK does without it
            here.recv(100)


def test_pain_20_a_program_that_does_not_end_has_a_deadline(on: Stage) -> None:
    release = threading.Event()
    on.script.run = lambda argv: (int(release.wait(0.4)), b"", b"")
    with pytest.raises(DaemonError, match=r"x did not end: it had 0\.05 s"):
        on.box().run(["x"], timeout=0.05)


def test_pain_21_a_folder_that_is_held_after_the_stop_is_tried_again_and_fails_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Path] = []

    def rmtree(path: Path, ignore_errors: bool) -> None:
        tries.append(path)
        if len(tries) == 3:
            shutil.rmtree(path, ignore_errors)

    monkeypatch.setattr(stage, "shutil", types.SimpleNamespace(rmtree=rmtree))
    made = Staging(tmp_path)
    folder = made.folder()
    assert made.close() == ()
    assert tries == [folder] * 3
    made.folder()
    monkeypatch.setattr(stage, "removed", lambda path: False)
    assert len(made.close()) == 1


def test_pain_22_a_link_is_resolved_before_it_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (mount,), _ = prepare_mounts([Mount(str(tmp_path / "link"), r"C:\x")], Home(), Staging())
    assert mount.source == str(tmp_path / "real")


@pytest.mark.slow
def test_pain_23_no_health_check_is_put_into_a_container(on: Stage) -> None:
    on.run(ONE).assert_outcomes(passed=1)
    assert not on.script.created[0].get("Healthcheck")


@pytest.mark.slow
def test_pain_24_a_folder_of_this_machine_is_uploaded_to_an_engine_elsewhere(on: Stage, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("hello")
    on.run(f'''
        from pathlib import Path
        def test_one(container_factory): container_factory(mounts={{"C:/data": Path({str(tmp_path / "data")!r})}})
    ''').assert_outcomes(passed=1)
    (mount,) = on.script.created[0]["HostConfig"]["Mounts"]
    assert mount["Type"] == "volume"
    assert not mount.get("Source")
    assert len(on.script.put) == 1


def test_pain_24_a_folder_that_is_too_large_is_refused_with_the_reason(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    monkeypatch.setattr(prepare, "UPLOAD_MOST", 4)
    with pytest.raises(UsageError, match="another machine"):
        prepare_mounts([Mount(str(tmp_path), r"C:\x")], Home(local=False), Staging())


@pytest.mark.slow
def test_pain_25_all_workers_of_xdist_share_one_session_container(on: Stage) -> None:
    on.script.start_seconds = 0.5
    run = on.start('''
import pytest
@pytest.mark.parametrize("n", range(8))
def test_one(nanoserver_session, n): pass
''', "-n", "3")
    text = run.communicate(timeout=300)[0]
    assert "8 passed" in text, text
    assert on.script.asked.count("create") == 1
    assert on.script.states == {}


@pytest.mark.slow
def test_a_linux_engine_and_one_that_is_not_there_say_what_to_do(on: Stage) -> None:
    result = on.run(ONE, address="unix:///nope.sock")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*cannot reach an engine at unix:///nope.sock*"])
    result = on.run(ONE, "--wcow-missing=skip", address="unix:///nope.sock")
    result.assert_outcomes(skipped=1)
