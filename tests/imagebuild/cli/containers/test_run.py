# SPDX-License-Identifier: Apache-2.0
"""``wcow run`` over an engine whose programs are scripts: the one that runs, or one of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engines, images
from support.engines import Heard, Served, served

from imagebuild.cli.app import run
from imagebuild.cli.containers import run as verb
from imagebuild.dockerapi import Client, shapes
from imagebuild.engine.core import Engine
from imagebuild.engine.serving.lock import Lock, running
from imagebuild.engine.settings import EngineSettings
from imagebuild.errors import ToolError
from imagebuild.images import copy_image
from imagebuild.stores import LayoutStore

IMAGE = "app:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, a local store and an engine's folder of our own, and no input."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path / "engine"))
    monkeypatch.setenv("WCOW_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("WCOW_OFFLINE", "1")
    for name in ("WCOW_ENGINE_SOCKET", "WCOW_ENGINE_PUBLISH_ADDRESS", "WCOW_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    """An engine that runs in that folder."""
    with served(tmp_path / "engine") as one:
        lock = Lock(tmp_path / "engine")
        lock.tell(one.socket, "127.0.0.1")
        yield one
        lock.close()


def containers(engine: Served) -> list[Any]:
    found = engine.client.json("GET", "/containers/json", query={"all": True})
    assert isinstance(found, list)
    return found


def test_a_programs_output_and_code_are_ours_and_nothing_stays(engine: Served, capfd: pytest.CaptureFixture[str]
                                                                ) -> None:
    heard = Heard(engine.engine)
    assert run(["run", "-e", "WHO=me", IMAGE, "cmd", "/c", "echo", "%WHO%&&", "error", "bad&&", "exit", "7"]) == 7
    out, err = capfd.readouterr()
    assert (out, err) == ("me\r\n", "bad\r\n")
    [actor] = {event.actor for event in heard.events if event.kind == "container"}
    assert heard.of(actor) == ["create", "attach", "start", "die", "destroy"]
    assert containers(engine) == []


@pytest.mark.parametrize(("code", "ours"), [("0", 0), ("256", 1), ("0xC0000005", 5), ("0xFFFFFFFF", 255)])
def test_a_code_that_does_not_fit_is_cut_and_never_becomes_success(engine: Served, code: str, ours: int) -> None:
    assert run(["run", IMAGE, "exit", code]) == ours


def test_our_input_is_the_programs_and_only_when_it_is_asked_for(engine: Served, home: Path,
                                                                  capfd: pytest.CaptureFixture[str],
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "typed").write_text("one\ntwo\n")
    with (home / "typed").open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        assert run(["run", IMAGE, "cat"]) == 0
        assert capfd.readouterr().out == ""
        assert run(["run", "-i", IMAGE, "cat"]) == 0
    assert capfd.readouterr().out == "one\ntwo\n"


def test_with_a_terminal_both_outputs_are_one(engine: Served, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "-t", IMAGE, "cmd", "/c", "echo", "a&&", "error", "b"]) == 0
    out, err = capfd.readouterr()
    assert (out.split(), err) == (["a", "b"], "")


def test_what_cannot_start_is_told_and_leaves_nothing(engine: Served, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["run", IMAGE, "nonsense.exe"]) == 3
    assert "cannot find the file specified" in capfd.readouterr().err
    assert containers(engine) == []


def test_an_interrupted_run_leaves_nothing(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        assert len(containers(engine)) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "show", stopped)
    assert run(["run", IMAGE, "sleep", "60"]) == 130
    assert containers(engine) == []


def test_a_warning_of_the_engine_is_shown(engine: Served, capfd: pytest.CaptureFixture[str],
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Client.json

    def warned(self: Client, method: str, path: str, **more: Any) -> Any:
        answer = ask(self, method, path, **{**more, "shape": None})
        if path == "/containers/create":
            answer["Warnings"] = ["it is going to rain"]
        return shapes.from_json(more["shape"], answer) if more.get("shape") else answer

    monkeypatch.setattr(Client, "json", warned)
    assert run(["run", IMAGE, "exit", "0"]) == 0
    assert capfd.readouterr().err == "warning: it is going to rain\n"


# --- what is asked of the engine

@pytest.fixture
def asked(engine: Served, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
    """The create documents of runs, with what comes beside; nothing is run."""
    said: list[tuple[dict[str, Any], tuple[Any, ...]]] = []

    def note(client: Client, request: dict[str, Any], *beside: Any) -> int:
        said.append((request, beside))
        return 0

    monkeypatch.setattr(verb, "_run", note)
    return said


def test_options_become_the_document_of_a_create(asked: list[Any], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "here")
    monkeypatch.delenv("NOBODYS", raising=False)
    assert run(["run", "-it", "--name", "web", "-w", "C:\\data", "-u", "ContainerUser", "--entrypoint", "app.exe",
                "--network", "none", "-e", "A=1", "-e", "OURS", "-e", "NOBODYS", "-v", "./data:C:\\data:ro",
                "-v", "named:C:\\more", "--rm", IMAGE, "--flag", "-v", "x"]) == 0
    [(document, beside)] = asked
    assert beside == ("web", True, True)
    host = document.pop("HostConfig")
    assert host == {"AutoRemove": True, "Binds": [f"{home / 'data'}:C:\\data:ro", "named:C:\\more"], "PortBindings": {},
                    "NetworkMode": "none"}
    assert document.pop("Image").startswith("sha256:")
    assert document == {"Cmd": ["--flag", "-v", "x"], "Entrypoint": ["app.exe"], "Tty": True, "OpenStdin": True,
                        "StdinOnce": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
                        "WorkingDir": "C:\\data", "User": "ContainerUser", "ExposedPorts": {},
                        "Env": ["A=1", "OURS=here"]}


def test_without_options_the_images_own_are_left(asked: list[Any]) -> None:
    assert run(["run", IMAGE]) == 0
    [(document, beside)] = asked
    assert beside == ("", False, False)
    assert (document["Cmd"], document["Entrypoint"], document["OpenStdin"]) == (None, None, False)
    assert document["HostConfig"]["NetworkMode"] == "default"


def test_ports_are_published_as_docker_writes_them(asked: list[Any]) -> None:
    assert run(["run", "-p", "8080:80", "-p", "0.0.0.0:8081:80", "-p", "53:53/udp", "-p", "90", "-p", "0.0.0.0::91",
                IMAGE]) == 0
    [(document, _)] = asked
    assert document["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "0.0.0.0", "HostPort": "8081"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}], "90/tcp": [{"HostIp": "", "HostPort": ""}],
        "91/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}
    assert document["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}, "90/tcp": {}, "91/tcp": {}}


@pytest.mark.parametrize(("port", "said"), [
    ("http", "'http' is no port to publish"), ("80:http", "is no port"), ("x:80", "is no port"),
    ("8000-8010:80", "is no port"), ("", "is no port"),
    ("127.0.0.1:8080:80", "Windows does not support host IP addresses in NAT settings"),
    ("[::1]:8080:80", "Windows does not support host IP addresses in NAT settings")])
def test_a_port_that_cannot_be_is_refused_before_anything_is_done(asked: list[Any], port: str, said: str,
                                                                  capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "-p", port, IMAGE]) == 2
    assert said in capfd.readouterr().err
    assert asked == []


# --- which engine, and its image

def test_an_engine_that_is_starting_is_waited_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lock = Lock(tmp_path / "engine")
    with served(tmp_path / "engine") as one:
        later = threading.Timer(0.3, lambda: lock.tell(one.socket, "127.0.0.1"))
        later.start()
        try:
            assert run(["run", IMAGE, "echo", "hello"]) == 0
        finally:
            later.join()
            lock.close()
    assert capfd.readouterr().out == "hello\r\n"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[EngineSettings, Engine]]:
    """The engines that runs make for themselves."""
    out: list[tuple[EngineSettings, Engine]] = []

    def make(place: EngineSettings, _: Any) -> Engine:
        out.append((place, engines.make(place.root)))
        return out[-1][1]

    monkeypatch.setattr(verb, "make_engine", make)
    return out


def test_without_an_engine_one_is_made_and_ends_with_the_run(made: list[tuple[EngineSettings, Engine]], tmp_path: Path,
                                                             capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c").mkdir()
    assert run(["run", "--windows-build", "17763", "--host-drive", f"c={tmp_path / 'c'}", "--publish-address",
                "127.0.0.2", IMAGE, "echo", "hello"]) == 0
    assert capfd.readouterr().out == "hello\r\n"
    [(place, _)] = made
    assert (place.root, place.build, place.drives) == (tmp_path / "engine", 17763, {"C": tmp_path / "c"})
    assert (place.publish_address, place.name) == ("127.0.0.2", os.uname().nodename.partition(".")[0])
    assert running(tmp_path / "engine") is None
    assert list((tmp_path / "engine" / "containers").iterdir()) == []


def test_what_keeps_an_engine_from_starting_is_told(made: list[tuple[EngineSettings, Engine]], tmp_path: Path,
                                                    capfd: pytest.CaptureFixture[str],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: engines.Sandbox, progress: Any = None) -> None:
        progress("trying")
        raise ToolError("cannot run Windows programs", program="wine64", why="Wine is not installed")

    monkeypatch.setattr(engines.Sandbox, "prepare", fails)
    assert run(["run", IMAGE, "exit", "0"]) == 3
    err = capfd.readouterr().err
    assert err.startswith("trying\n") and "Wine is not installed" in err
    assert running(tmp_path / "engine") is None


def test_an_image_of_the_local_store_is_brought_once(engine: Served, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    def counted(*args: Any, **more: Any) -> Any:
        copied.append(str(more["name"]))
        return copy_image(*args, **more)

    monkeypatch.setattr("imagebuild.images.bring.copy", counted)
    store = LayoutStore(tmp_path / "store", create=True)
    made, _ = images.image(store, "docker.io/library/mine:1", images.layer(store, images.BASE, base=True))
    for _ in range(2):
        assert run(["run", "mine:1", "exit", "0"]) == 0
    assert copied == ["mine:1"]
    assert engine.client.json("GET", "/images/mine:1/json")["Id"] == str(made.manifest.config.digest)
    # A newer one under the same name is taken at the next run.
    newer, _ = images.image(store, "docker.io/library/mine:1", images.layer(store, images.BASE, base=True),
                            created="2025-01-01T00:00:00Z")
    assert run(["run", "mine:1", "exit", "0"]) == 0
    assert engine.client.json("GET", "/images/mine:1/json")["Id"] == str(newer.manifest.config.digest)


def test_an_image_that_nobody_has_is_told(engine: Served, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "none:1", "exit", "0"]) == 2
    assert "none:1" in capfd.readouterr().err
    assert containers(engine) == []


def test_a_program_runs_in_the_engine_of_another_machine(engine: Served, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--host", f"unix://{engine.socket}", IMAGE, "cmd", "/c", "echo", "there"]) == 0
    assert capfd.readouterr().out == "there\r\n"


def test_what_is_on_this_machine_is_not_mounted_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    for source in ("./data", "/data", "~/data"):
        assert run(["run", "--host", "tcp://host:2375", "-v", f"{source}:C:\\data", IMAGE]) == 2
        assert f"cannot mount {source}" in capfd.readouterr().err
    assert run(["run", "--host", "tcp://host:2375", "--host-drive", "C=/", IMAGE]) == 2
    assert "--host goes without" in capfd.readouterr().err
