# SPDX-License-Identifier: Apache-2.0
"""The mounts of a container, from its create request to its box."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from imagebuild.dockerapi import faults, shapes
from imagebuild.dockerapi.versions import api_version
from imagebuild.engine.volumes import mounts
from imagebuild.engine.volumes.hostpath import HostPaths
from imagebuild.engine.volumes.mountspec import Point
from imagebuild.runtime.port import Mount


class Volumes:
    """Volumes in a folder; remembers what was asked."""

    def __init__(self, folder: Path, *, fails: str = "") -> None:
        self.folder, self.fails = folder, fails
        self.used: list[tuple[str, str, bool]] = []
        self.released: list[tuple[str, bool]] = []

    def use(self, name: str, container: str, *, driver: str = "", labels: Mapping[str, str] | None = None,
            anonymous: bool = False) -> Path:
        if driver not in ("", "local") or name == self.fails:
            raise faults.NotFound("no such driver")
        self.used.append((name, container, anonymous))
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def release(self, container: str, *, remove_anonymous: bool = False) -> None:
        self.released.append((container, remove_anonymous))


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    (tmp_path / "drive" / "Test").mkdir(parents=True)
    return HostPaths({"C": tmp_path / "drive"})


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    (tmp_path / "volumes").mkdir()
    return Volumes(tmp_path / "volumes")


def nobody(name: str) -> tuple[shapes.MountPoint, ...]:
    raise faults.no_such_container(name)


def plan(paths: HostPaths, config: shapes.Config | None = None, *, version: str = "1.45",
         lookup: mounts.Lookup = nobody, **host: Any) -> tuple[Point, ...]:
    return mounts.plan(config or shapes.Config(), shapes.HostConfig(**host), paths, version=api_version(version),
                       lookup=lookup)


def refused(paths: HostPaths, config: shapes.Config | None = None, **host: Any) -> tuple[int, str]:
    with pytest.raises(faults.Fault) as caught:
        plan(paths, config, **host)
    return caught.value.status, caught.value.message


BIND = shapes.Mount(type="bind", source="C:\\Test", target="C:\\Example")


def test_a_bind_of_test_to_example_works_letter_for_letter(paths: HostPaths, volumes: Volumes) -> None:
    points = plan(paths, binds=("C:\\test:C:\\example",))
    shown = mounts.claim(points, volumes, "id")
    assert shown == (shapes.MountPoint(type="bind", source="c:\\test", destination="c:\\example", rw=True),)
    box = mounts.for_box(shown, shapes.HostConfig(), volumes, "id", paths)
    assert box == (Mount(paths.drives["C"] / "Test", "c:\\example"),)


def test_what_a_line_of_binds_does_wrong_is_500_and_what_a_mount_does_400(paths: HostPaths) -> None:
    assert refused(paths, binds=("c:\\none:d:",))[0] == 500
    assert refused(paths, mounts=(shapes.Mount(type="bind", source="c:\\none", target="d:"),)) == (
        400, 'invalid mount config for type "bind": bind source path does not exist: c:\\none')


def test_two_mounts_at_one_place_are_refused_whatever_their_case(paths: HostPaths) -> None:
    assert refused(paths, binds=("a:c:\\x", "b:c:\\X")) == (400, "Duplicate mount point: c:\\x")
    assert refused(paths, binds=("a:c:\\example",), mounts=(BIND,)) == (400, "Duplicate mount point: C:\\Example")
    assert refused(paths, binds=("a:d:", "b:d:\\"))[1] == "Duplicate mount point: d:\\"


def test_a_volume_of_the_image_gives_way_to_a_mount_at_its_place(paths: HostPaths) -> None:
    config = shapes.Config(volumes=("C:\\example", "C:\\Other"))
    points = plan(paths, config, mounts=(BIND,))
    assert [(point.kind, point.destination) for point in points] == [("bind", "C:\\Example"), ("volume", "c:\\other")]


def test_a_volume_that_cannot_be_read_is_named(paths: HostPaths) -> None:
    assert refused(paths, shapes.Config(volumes=("/data",))) == (
        500, "Unrecognised volume spec: invalid volume specification: '/data'")


def test_volumes_without_a_name_get_one_and_are_marked(paths: HostPaths, volumes: Volumes) -> None:
    (shown,) = mounts.claim(plan(paths, shapes.Config(volumes=("c:\\data",))), volumes, "id")
    assert len(shown.name) == 64
    assert shown.source == f"C:\\ProgramData\\docker\\volumes\\{shown.name}\\_data"
    assert (shown.type, shown.driver, shown.rw, shown.mode, shown.propagation) == ("volume", "local", True, "", "")
    assert volumes.used == [(shown.name, "id", True)]


def test_a_named_volume_is_lower_cased_even_in_a_mount(paths: HostPaths, volumes: Volumes) -> None:
    mount = shapes.Mount(type="volume", source="Data", target="c:\\x")
    (shown,) = mounts.claim(plan(paths, mounts=(mount,)), volumes, "id")
    assert (shown.name, volumes.used) == ("data", [("data", "id", False)])


def test_when_a_volume_cannot_be_had_the_others_are_given_back(paths: HostPaths, volumes: Volumes) -> None:
    volumes.fails = "b"
    with pytest.raises(faults.NotFound):
        mounts.claim(plan(paths, binds=("a:c:\\a", "b:c:\\b")), volumes, "id")
    assert volumes.released == [("id", True)]


def test_volumes_have_no_driver_options_on_windows(paths: HostPaths, volumes: Volumes) -> None:
    mount = shapes.Mount(type="volume", source="v", target="c:\\x", volume_options=shapes.VolumeOptions(
        driver_config=shapes.MountDriver(options={"type": "nfs"})))
    with pytest.raises(faults.BadRequest, match="create v: options are not supported on this platform"):
        mounts.claim(plan(paths, mounts=(mount,)), volumes, "id")


def test_mounts_of_another_container_come_along_and_give_way(paths: HostPaths, volumes: Volumes) -> None:
    others = (shapes.MountPoint(type="volume", name="data", destination="c:\\data", driver="local", rw=True),
              shapes.MountPoint(type="bind", source="c:\\test", destination="c:\\Example", rw=True))
    points = plan(paths, volumes_from=("web:ro",), lookup=lambda name: others if name == "web" else ())
    assert [(point.kind, point.destination, point.writable) for point in points] == [
        ("volume", "c:\\data", False), ("bind", "c:\\Example", False)]
    points = plan(paths, volumes_from=("web",), binds=("new:c:\\data",), lookup=lambda _name: others)
    assert [(point.name, point.writable) for point in points] == [("new", True), ("", True)]


def test_mounts_of_a_container_that_does_not_exist_are_a_bad_request(paths: HostPaths) -> None:
    assert refused(paths, volumes_from=("gone",)) == (400, "No such container: gone")
    assert refused(paths, volumes_from=("a:z",)) == (400, "invalid mode: z")


def test_options_of_another_type_are_refused_from_1_42_on(paths: HostPaths) -> None:
    volume = shapes.Mount(type="bind", source="C:\\Test", target="d:", volume_options=shapes.VolumeOptions())
    assert refused(paths, mounts=(volume,)) == (400, 'VolumeOptions must not be specified on mount type "bind"')
    assert len(plan(paths, mounts=(volume,), version="1.41")) == 1
    for options, name in (({"bind_options": shapes.BindOptions()}, "BindOptions"),
                          ({"tmpfs_options": shapes.TmpfsOptions()}, "TmpfsOptions")):
        mount = shapes.Mount(type="volume", target="d:", **options)  # type: ignore[arg-type]
        assert refused(paths, mounts=(mount,)) == (400, f'{name} must not be specified on mount type "volume"')


def test_what_an_old_client_cannot_ask_for_is_refused(paths: HostPaths) -> None:
    sub = shapes.Mount(type="volume", source="v", target="d:", volume_options=shapes.VolumeOptions(subpath="a"))
    assert refused(paths, mounts=(sub,), version="1.44") == (400, "VolumeOptions.Subpath needs API v1.45 or newer")
    force = shapes.Mount(type="bind", source="C:\\Test", target="d:",
                         bind_options=shapes.BindOptions(read_only_force_recursive=True))
    assert refused(paths, mounts=(force,), version="1.43") == (
        400, "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")


def test_outer_mounts_come_before_the_ones_inside_them(paths: HostPaths, volumes: Volumes) -> None:
    shown = mounts.claim(plan(paths, binds=("c:\\test:c:\\a\\b\\c:ro", "a:c:\\a", "b:c:\\a\\b", "d:d:")), volumes, "id")
    box = mounts.for_box(shown, shapes.HostConfig(), volumes, "id", paths)
    assert [(mount.target, mount.read_only) for mount in box] == [
        ("d:\\", False), ("c:\\a", False), ("c:\\a\\b", False), ("c:\\a\\b\\c", True)]


def test_a_source_that_is_gone_at_the_start_is_a_refusal(paths: HostPaths, volumes: Volumes) -> None:
    shown = mounts.claim(plan(paths, binds=("c:\\test:d:",)), volumes, "id")
    (paths.drives["C"] / "Test").rmdir()
    (paths.drives["C"] / "test").symlink_to("/etc")
    with pytest.raises(faults.BadRequest, match=r"bind source path does not exist: c:\\test"):
        mounts.for_box(shown, shapes.HostConfig(), volumes, "id", paths)


def test_a_subpath_is_found_inside_its_volume_and_nowhere_else(paths: HostPaths, volumes: Volumes) -> None:
    mount = shapes.Mount(type="volume", source="v", target="C:/x/", volume_options=shapes.VolumeOptions(subpath="a\\B"))
    host = shapes.HostConfig(mounts=(mount,))
    shown = mounts.claim(plan(paths, mounts=host.mounts), volumes, "id")
    (volumes.folder / "v" / "A" / "b").mkdir(parents=True)
    (box,) = mounts.for_box(shown, host, volumes, "id", paths)
    assert box.source == volumes.folder / "v" / "A" / "b"
    (volumes.folder / "v" / "A" / "b").rmdir()
    (volumes.folder / "v" / "A" / "b").symlink_to("/etc")
    with pytest.raises(faults.BadRequest):
        mounts.for_box(shown, host, volumes, "id", paths)


def test_a_pipe_is_no_folder_and_must_be_one_that_this_machine_has(paths: HostPaths, volumes: Volumes) -> None:
    shown = mounts.claim(plan(paths, binds=("\\\\.\\pipe\\A:\\\\.\\pipe\\b",)), volumes, "id")
    assert (shown[0].type, shown[0].source) == ("npipe", "\\\\.\\pipe\\a")
    assert mounts.for_box(shown, shapes.HostConfig(), volumes, "id", paths) == ()
    assert mounts.pipes_for(shown, {"a": Path("/socket")}, "id") == {"b": Path("/socket")}
    with pytest.raises(faults.BadRequest, match="The system cannot find the file specified"):
        mounts.pipes_for(shown, {"b": Path("/socket")}, "id")
