# SPDX-License-Identifier: Apache-2.0
"""How a Windows engine reads a mount. Moby's own cases are read from its sources where Debian's package has them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuild.dockerapi import shapes
from imagebuild.engine.volumes.hostpath import HostPaths, Place
from imagebuild.engine.volumes.mountspec import (
    Point,
    SpecError,
    check_volume_name,
    parse_mount,
    parse_spec,
    parse_volumes_from,
    plain_target,
)

MOBY = Path("/usr/share/gocode/src/github.com/docker/docker/volume/mounts")
FOLDERS = {"c:\\", "c:\\windows", "c:\\program files", "c:\\program files (x86)", "c:\\data", "/tmp/Dir"}
FILES = {"c:\\windows\\system32\\ntdll.dll", "/tmp/file"}


class Machine(HostPaths):
    """A machine with a few folders and files."""

    def find(self, source: str) -> Place | None:
        path = source.lower().replace("/", "\\").removeprefix("\\\\?\\") if not source.startswith("/") else source
        path = path.rstrip("\\/") if len(path) > 3 else path
        return Place(Path(path), path in FOLDERS) if path in FOLDERS | FILES else None


HOST = Machine()


def refusal(raw: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(raw, HOST)
    return str(caught.value)


def typed(**settings: Any) -> Point:
    return parse_mount(shapes.Mount(**settings), HOST)


def typed_refusal(**settings: Any) -> str:
    with pytest.raises(SpecError) as caught:
        typed(**settings)
    return str(caught.value)


# --- moby's cases

def go_text(token: str) -> str:
    return token[1:-1] if token.startswith("`") else str(ast.literal_eval(token))


@pytest.fixture(scope="module")
def moby() -> str:
    file = MOBY / "windows_parser_test.go"
    if not file.is_file():
        pytest.skip("moby's sources are not here (Debian: golang-github-docker-docker-dev)")
    return file.read_text(encoding="utf-8")


def test_what_moby_takes_is_taken(moby: str) -> None:
    block = moby[moby.index("valid := []string{"):moby.index("invalid := map")]
    lines = re.findall(r"^\t\t(`[^`]*`),", block, re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        parse_spec(go_text(line), HOST, "local")


def test_what_moby_refuses_is_refused_in_the_same_words(moby: str) -> None:
    block = moby[moby.index("invalid := map"):moby.index("parser := ")]
    rows = re.findall(r'^\t\t(`[^`]*`): +(`[^`]*`|"[^"]*"),', block, re.MULTILINE)
    assert len(rows) > 40
    for raw, text in rows:
        assert go_text(text) in refusal(go_text(raw)), raw


def test_what_moby_makes_of_a_spec_is_made_of_it(moby: str) -> None:
    block = moby[moby.index("func TestWindowsParseMountRawSplit"):]
    cases = [dict(re.findall(r"(\w+): +(`[^`]*`|\"[^\"]*\"|[\w.]+),", case))
             for case in re.findall(r"^\t\t\{\n(.*?)^\t\t\},", block, re.MULTILINE | re.DOTALL)]
    assert len(cases) > 10
    kinds = {"mount.TypeBind": "bind", "mount.TypeVolume": "volume", "mount.TypeNamedPipe": "npipe"}
    for case in cases:
        raw, driver = go_text(case["bind"]), go_text(case.get("driver", '""'))
        if case.get("fail") == "true":
            refusal(raw)
            continue
        point = parse_spec(raw, HOST, driver)
        assert (point.kind, point.destination, point.writable) == (
            kinds[case["expType"]], go_text(case["expDest"]), case.get("expRW") == "true")
        assert point.source == go_text(case.get("expSource", '""'))
        assert (point.name, point.driver) == (go_text(case.get("expName", '""')), go_text(case.get("expDriver", '""')))


# --- what stands in research, and what is ours

def test_a_bind_is_lower_cased_source_and_target() -> None:
    assert parse_spec("C:\\Data:C:\\Example", HOST) == Point("bind", "c:\\example", source="c:\\data")


def test_a_path_of_this_machine_keeps_its_case_and_the_target_does_not() -> None:
    assert parse_spec("/tmp/Dir:C:\\Example", HOST) == Point("bind", "c:\\example", source="/tmp/Dir")
    assert parse_spec("/tmp/Dir/:D::ro", HOST) == Point("bind", "d:", source="/tmp/Dir", writable=False)


def test_a_mount_keeps_its_case() -> None:
    assert typed(type="bind", source="C:\\Data", target="C:\\Example\\") == Point(
        "bind", "C:\\Example", source="C:\\Data")
    assert typed(type="bind", source="/tmp/Dir", target="C:/Example") == Point(
        "bind", "C:\\Example", source="/tmp/Dir")


def test_a_file_cannot_be_mounted() -> None:
    text = 'invalid mount config for type "bind": source path must be a directory'
    assert typed_refusal(type="bind", source="/tmp/file", target="c:\\x") == text
    assert refusal("/tmp/file:C:\\x") == f"invalid volume specification: '/tmp/file:C:\\x': {text}"


def test_a_source_that_does_not_exist_is_refused() -> None:
    assert typed_refusal(type="bind", source="c:\\test", target="c:\\x") == \
        'invalid mount config for type "bind": bind source path does not exist: c:\\test'
    assert refusal("C:\\Test:C:\\x").endswith("bind source path does not exist: c:\\test")


def test_the_socket_of_a_linux_engine_is_no_mount() -> None:
    raw = "/var/run/docker.sock:/var/run/docker.sock:rw"
    assert refusal(raw) == f"invalid volume specification: '{raw}'"


def test_the_drive_c_cannot_be_a_target() -> None:
    for target in ("c:", "C:\\", "c:/"):
        assert typed_refusal(type="volume", source="a", target=target).startswith(
            'invalid mount config for type "volume": destination path cannot be `c:` or `c:\\`: c:')


def test_a_target_is_absolute() -> None:
    assert typed_refusal(type="volume", target="data") == (
        'invalid mount config for type "volume": invalid mount path: \'data\'')
    assert "invalid mount path" in typed_refusal(type="volume", target="/data")


def test_a_source_is_absolute() -> None:
    assert typed_refusal(type="bind", source="data", target="c:\\x") == (
        "invalid mount config for type \"bind\": invalid mount path: 'data' mount path must be absolute")
    assert "must be absolute" in typed_refusal(type="bind", source="\\\\server\\share", target="c:\\x")


@pytest.mark.parametrize("kind", ["tmpfs", "image", "cluster", ""])
def test_other_types_of_mount_do_not_exist(kind: str) -> None:
    assert typed_refusal(type=kind, source="a", target="c:\\x") == (
        f'invalid mount config for type "{kind}": mount type unknown')


def test_propagation_is_refused() -> None:
    assert typed_refusal(type="bind", source="c:\\data", target="c:\\x",
                         bind_options=shapes.BindOptions(propagation="rslave")) == (
        'invalid mount config for type "bind": invalid propagation mode: rslave')


def test_source_and_target_have_to_be_said() -> None:
    assert typed_refusal(type="bind", target="c:\\x").endswith("field Source must not be empty")
    assert typed_refusal(type="npipe", target="\\\\.\\pipe\\a").endswith("field Source must not be empty")
    assert typed_refusal(type="bind", source="c:\\data").endswith("field Target must not be empty")


def test_both_ends_of_a_pipe_are_pipes_and_never_read_only() -> None:
    pipe = "\\\\.\\pipe\\docker_engine"
    assert typed(type="npipe", source=pipe, target=pipe) == Point("npipe", pipe, source=pipe)
    assert typed_refusal(type="npipe", source="c:\\data", target=pipe).endswith("'c:\\data' is not a valid pipe path")
    assert typed_refusal(type="npipe", source=pipe, target="c:\\x").endswith("'c:\\x' is not a valid pipe path")
    assert typed_refusal(type="npipe", source=pipe, target=pipe, read_only=True).endswith(
        "field ReadOnly must not be specified")


def test_a_volume_without_a_name_is_not_read_only_and_has_no_subpath() -> None:
    assert typed_refusal(type="volume", target="c:\\x", read_only=True).endswith(
        "must not set ReadOnly mode when using anonymous volumes")
    assert typed_refusal(type="volume", target="c:\\x", volume_options=shapes.VolumeOptions(subpath="a")) == (
        "must not set Subpath when using anonymous volumes")


@pytest.mark.parametrize("subpath", ["..", "a\\..\\..\\b", "/a", "c:\\a", "nul", "a\\COM1.txt"])
def test_a_subpath_stays_inside_its_volume(subpath: str) -> None:
    assert typed_refusal(type="volume", source="v", target="c:\\x",
                         volume_options=shapes.VolumeOptions(subpath=subpath)).endswith(
        "subpath must be a relative path within the volume")


def test_options_of_a_volume_are_kept() -> None:
    point = typed(type="volume", source="v", target="c:\\x", volume_options=shapes.VolumeOptions(
        subpath="a\\b", labels={"k": "v"}, driver_config=shapes.MountDriver(name="local", options={"o": "x"})))
    assert point == Point("volume", "c:\\x", name="v", driver="local", subpath="a\\b", labels={"k": "v"},
                          options={"o": "x"})


def test_volumes_from_names_a_container_and_a_mode() -> None:
    assert parse_volumes_from("web") == ("web", True)
    assert parse_volumes_from("web:RO") == ("web", False)
    for spec, text in (("", "volumes-from specification cannot be an empty string"), ("web:z", "invalid mode: z")):
        with pytest.raises(SpecError, match=text):
            parse_volumes_from(spec)


def test_a_destination_is_handed_on_without_its_prefix_and_a_drive_as_its_root() -> None:
    ends = {"d:": "d:\\", "d:\\": "d:\\", "\\\\?\\c:\\a": "c:\\a", "\\\\?\\d:": "d:\\"}
    assert {one: plain_target(one) for one in ends} == ends


def test_a_volume_name_is_a_file_name_and_no_device() -> None:
    assert check_volume_name("data") == ""
    assert check_volume_name("a:b") == "invalid volume name"
    assert check_volume_name("nul") == 'volume name "nul" cannot be a reserved word for Windows filenames'


PIECES = st.lists(st.sampled_from(["c:", "d:", "\\", "/", ":", "a", "Data", "\\\\?\\", "\\\\.\\pipe\\", "..", ".", "ro",
                                   "rw", " ", "*", "con", "/tmp/Dir", "\n", "İ", "Σ"]), max_size=12).map("".join)


@given(st.text() | PIECES)
@example("\\\\0\\PIPE\\\\")
@example("\\\\.\\PIPE\\\\")
def test_any_text_is_understood_or_refused(raw: str) -> None:
    try:
        point = parse_spec(raw, HOST)
    except SpecError as error:
        assert str(error)
        return
    assert point.destination.lower() not in ("c:", "c:\\")
    assert point.kind == "volume" or point.source
    again = parse_mount(shapes.Mount(type=point.kind, source=point.source or point.name, target=point.destination,
                                     read_only=not point.writable and bool(point.source or point.name)), HOST)
    assert again.destination == point.destination


@given(st.builds(shapes.Mount, type=st.sampled_from(["bind", "volume", "npipe", "x"]), source=PIECES | st.text(),
                 target=PIECES | st.text(), read_only=st.booleans(),
                 volume_options=st.none() | st.builds(shapes.VolumeOptions, subpath=PIECES)))
def test_any_mount_is_understood_or_refused(mount: shapes.Mount) -> None:
    try:
        point = parse_mount(mount, HOST)
    except SpecError:
        return
    assert "/" not in point.destination


def test_a_long_source_is_read_in_no_time() -> None:
    """Moby's expression, tried by backtracking, would take for ever."""
    assert "invalid volume specification" in refusal("c:\\" + "a" * 5_000 + "*")
    assert "invalid volume specification" in refusal("c:\\" + "a\\" * 5_000 + "*")
