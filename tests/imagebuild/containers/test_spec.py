# SPDX-License-Identifier: Apache-2.0
"""A container to be: what people write becomes one value, and the body that a Windows engine takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.containers import Mount, Port, Spec, create_request
from imagebuild.dockerapi import shapes
from imagebuild.errors import UsageError


def test_two_specs_of_the_same_facts_are_one_key(tmp_path: Path) -> None:
    made = [Spec.of("app:1", mounts={r"C:\data": tmp_path}, environ={"A": 1}, ports=[80, "53/udp"], command="cmd")
            for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made)) == 1
    assert made[0].environ == (("A", "1"),)
    assert made[0].command == ("cmd",)


def test_a_spec_shows_what_tells_it_from_others() -> None:
    spec = Spec.of("mcr.microsoft.com/windows/nanoserver:ltsc2022", ports=[80], mounts={r"C:\data": Path("/x")},
                   isolation="hyperv")
    assert str(spec) == r"nanoserver:ltsc2022-80-C:\data-hyperv"


def test_mounts_go_as_mounts_and_never_as_binds(tmp_path: Path) -> None:
    body = shapes.to_json(create_request(Spec.of("app:1", mounts={r"C:\Example": tmp_path, "D:": "Named"})))
    assert body["HostConfig"]["Binds"] is None
    assert body["HostConfig"]["Mounts"] == [{"Type": "bind", "Source": str(tmp_path), "Target": r"C:\Example"},
                                            {"Type": "volume", "Source": "Named", "Target": "D:"}]


def test_the_body_says_everything_that_was_asked() -> None:
    spec = Spec.of("app:1", environ={"MODE": "test"}, ports={80: 8080, "53/udp": 0}, user="ContainerUser",
                   workdir="C:\\app", hostname="web", network="mine", aliases=["db"], dns=["10.0.0.1"],
                   isolation="process", memory=1 << 30, cpus=1.5, labels={"a": "b"})
    body = create_request(spec)
    assert body.host_config is not None
    assert body.networking_config is not None
    assert (body.env, body.user, body.working_dir, body.hostname) == (("MODE=test",), "ContainerUser", "C:\\app", "web")
    assert body.host_config.port_bindings == {"80/tcp": (shapes.PortBinding(host_port="8080"),),
                                              "53/udp": (shapes.PortBinding(),)}
    assert (body.host_config.network_mode, body.host_config.isolation) == ("mine", "process")
    assert (body.host_config.memory, body.host_config.nano_cpus) == (1 << 30, 1_500_000_000)
    assert body.networking_config.endpoints_config == {"mine": shapes.EndpointSettings(aliases=("db",))}
    assert body.open_stdin
    assert body.labels == {"a": "b"}


def test_facts_can_be_changed_and_the_first_spec_stays() -> None:
    first = Spec.of("app:1")
    assert first.with_facts(environ={"A": "1"}).environ == (("A", "1"),)
    assert first.environ == ()


@pytest.mark.parametrize("value", [0, -1, 65536, "http", "1:2:3", "80/icmp", "80:70000", ""])
def test_what_is_not_a_port_is_refused(value: int | str) -> None:
    with pytest.raises(UsageError, match="port"):
        Port.parse(value)


@pytest.mark.parametrize("target", ["C:\\", "c:", "C:/", "C:\\.", "data", "/data", "C:data", "C:\\a|b", ""])
def test_a_mount_over_the_drive_or_at_no_path_is_refused_before_the_engine_is_asked(target: str) -> None:
    with pytest.raises(UsageError, match="cannot mount at"):
        Spec.of("app:1", mounts={target: Path("/x")})


@pytest.mark.parametrize("mounts", [{Path("/srv"): r"C:\data"}, {"/srv": r"C:\data"},
                                    {"/srv": {"bind": r"C:\data", "mode": "ro"}}])
def test_a_mount_that_is_written_the_other_way_round_is_told_so(mounts: dict[object, object]) -> None:
    with pytest.raises(UsageError, match="cannot mount at '/srv'") as caught:
        Spec.of("app:1", mounts=mounts)
    assert caught.value.hint.startswith("the target stands first")


@pytest.mark.parametrize(("text", "words"), [
    ("cmd", ("cmd",)), ("cmd /c echo hi", ("cmd", "/c", "echo", "hi")), ("", ()),
    (r'"C:\Program Files\app.exe" -x "a b"', (r"C:\Program Files\app.exe", "-x", "a b"))])
def test_a_command_as_a_text_is_cut_into_words_as_windows_does(text: str, words: tuple[str, ...]) -> None:
    assert Spec.of("app:1", command=text).command == words


@pytest.mark.parametrize(("said", "meant"), [
    ("env", "environ"), ("environment", "environ"), ("volumes", "mounts"), ("wait_for", "wait"), ("imagge", "image"),
    ("host_name", "hostname"), ("working_dir", "workdir")])
def test_a_name_of_others_is_answered_with_ours(said: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"a container has no '{said}'; it has '{meant}'"):
        Spec.of("app:1", **{said: 1})


@pytest.mark.parametrize(("source", "kind"), [
    ("named", "volume"), (r"C:\on\the\host", "bind"), ("/srv/data", "bind"), ("./data", "bind"),
    ("\\\\.\\pipe\\docker_engine", "npipe")])
def test_a_text_is_a_volume_unless_it_is_a_path(source: str, kind: str) -> None:
    (mount,) = Spec.of("app:1", mounts={r"C:\x": source}).mounts
    assert mount == Mount(source, r"C:\x", kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("facts", [{"imagge": 1}, {"isolation": "vm"}, {"mounts": "x"}, {"environ": {"a=b": "c"}}])
def test_a_field_or_value_that_has_no_meaning_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Spec.of("app:1", **facts)
