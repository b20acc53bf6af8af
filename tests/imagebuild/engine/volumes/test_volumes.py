# SPDX-License-Identifier: Apache-2.0
"""Volumes: made, found, used, given back, removed, and still there after a restart."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import Filters, faults
from imagebuild.engine.events import Events
from imagebuild.engine.settings import EngineSettings
from imagebuild.engine.volumes import volumes as module
from imagebuild.engine.volumes.volumes import ANONYMOUS, Volumes, size_of


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    return again(tmp_path)


def again(root: Path) -> Volumes:
    """The volumes of an engine that starts over a folder."""
    return Volumes(EngineSettings(root), Events())


def names(volumes: Volumes, **filters: str) -> list[str]:
    return [one.name for one in volumes.list(Filters.of(**filters))]


def said(volumes: Volumes) -> list[tuple[str, str]]:
    return [(event.action, event.actor) for event in volumes.events._past]


def test_a_volume_is_shown_where_windows_would_keep_it(volumes: Volumes) -> None:
    shape = volumes.create("Data", labels={"k": "v"}).shape()
    assert (shape.name, shape.driver, shape.scope, shape.labels) == ("data", "local", "local", {"k": "v"})
    assert shape.mountpoint == "C:\\ProgramData\\docker\\volumes\\data\\_data"
    assert shape.created_at.endswith("Z")
    assert volumes.find("DATA").data.is_dir()
    assert said(volumes) == [("create", "data")]


def test_the_same_name_gives_the_same_volume_as_it_is(volumes: Volumes) -> None:
    first = volumes.create("data", labels={"a": "1"})
    assert volumes.create("DATA", labels={"b": "2"}) is first
    assert said(volumes) == [("create", "data")]


def test_a_volume_without_a_name_gets_one_and_a_label(volumes: Volumes) -> None:
    volume = volumes.create(labels={"a": "1"})
    assert len(volume.name) == 64
    assert volume.labels == {"a": "1", ANONYMOUS: ""}


@pytest.mark.parametrize(("name", "status", "text"), [
    ("a", 400, "create a: volume name is too short, names should be at least two alphanumeric characters"),
    ("a b", 400, 'create a b: "a b" includes invalid characters for a local volume name, only '
                 '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute '
                 "path"),
    (".hidden", 400, "includes invalid characters"), ("..", 400, "includes invalid characters"),
    ("a/b", 500, "create a/b: invalid volume name"), ("a\\b", 500, "create a\\b: invalid volume name"),
    ("NUL", 500, 'create nul: volume name "nul" cannot be a reserved word for Windows filenames')])
def test_a_name_that_cannot_be_is_refused(volumes: Volumes, name: str, status: int, text: str) -> None:
    with pytest.raises(faults.Fault) as caught:
        volumes.create(name)
    assert caught.value.status == status
    assert text in caught.value.message


@given(st.text(min_size=1, max_size=300))
def test_no_name_makes_a_folder_elsewhere(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.mktemp("names")
    try:
        volume = again(root).create(name)
    except faults.Fault:
        assert not list((root / "volumes").iterdir())
        return
    assert volume.folder.parent == root / "volumes"


def test_a_driver_that_is_not_there_is_named(volumes: Volumes) -> None:
    with pytest.raises(faults.NotFound) as caught:
        volumes.create("data", driver="nfs")
    assert caught.value.message == 'create data: error looking up volume plugin nfs: plugin "nfs" not found'


def test_the_local_driver_has_no_options_on_windows(volumes: Volumes) -> None:
    with pytest.raises(faults.BadRequest, match="create data: options are not supported on this platform"):
        volumes.create("data", options={"type": "tmpfs"})


def test_a_volume_in_use_is_not_removed_even_by_force(volumes: Volumes) -> None:
    volumes.use("data", "c2")
    volumes.use("data", "c1")
    for force in (False, True):
        with pytest.raises(faults.Conflict) as caught:
            volumes.remove("data", force=force)
        assert caught.value.message == "remove data: volume is in use - [c1, c2]"
    volumes.release("c1")
    volumes.release("c2")
    volumes.remove("Data")
    assert names(volumes) == []


def test_a_volume_that_is_not_there_is_removed_by_force_only(volumes: Volumes) -> None:
    with pytest.raises(faults.NotFound, match="get data: no such volume"):
        volumes.remove("data")
    volumes.remove("data", force=True)


def test_content_is_gone_with_its_volume_though_rights_were_taken_away(volumes: Volumes, tmp_path: Path) -> None:
    data = volumes.create("data").data
    (data / "deep" / "er").mkdir(parents=True)
    (data / "deep" / "file").write_text("x")
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (data / "deep" / "link").symlink_to(tmp_path / "elsewhere")
    (data / "deep").chmod(0)
    volumes.remove("data")
    deadline = time.monotonic() + 10
    while any((tmp_path / "volumes").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list((tmp_path / "volumes").iterdir()) == []
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_unnamed_volumes_go_with_the_container_they_were_made_for(volumes: Volumes) -> None:
    volumes.use("0" * 64, "c1", anonymous=True)
    volumes.use("named", "c1")
    volumes.release("c1", remove_anonymous=True)
    assert names(volumes) == ["named"]


def test_unnamed_volumes_stay_when_another_container_has_them_or_nobody_asked(volumes: Volumes) -> None:
    volumes.use("0" * 64, "c1", anonymous=True)
    volumes.use("0" * 64, "c2")
    volumes.release("c1", remove_anonymous=True)
    volumes.use("1" * 64, "c3", anonymous=True)
    volumes.release("c3")
    assert names(volumes) == ["0" * 64, "1" * 64]
    volumes.release("c2", remove_anonymous=True)
    assert names(volumes) == ["0" * 64, "1" * 64], "it was not made for c2"


def test_volumes_outlive_the_engine(volumes: Volumes, tmp_path: Path) -> None:
    made = volumes.create("data", labels={"k": "v"})
    (made.data / "file").write_text("x")
    volumes.use("0" * 64, "c1", anonymous=True)
    later = again(tmp_path)
    assert later.find("data").shape() == made.shape()
    assert (later.find("data").data / "file").read_text() == "x"
    later.use("0" * 64, "c1")
    later.release("c1", remove_anonymous=True)
    assert names(later) == ["data"]


def test_what_a_killed_engine_left_is_cleared_away_and_a_lost_document_loses_no_data(tmp_path: Path) -> None:
    made = again(tmp_path).create("data", labels={"k": "v"})
    (made.folder / "volume.json").write_text("{")
    (tmp_path / "volumes" / ".gone-1" / "_data").mkdir(parents=True)
    (tmp_path / "volumes" / "half").mkdir()
    later = again(tmp_path)
    assert [(one.name, one.labels) for one in later.list(Filters())] == [("data", None)]


def test_a_disk_that_does_not_take_it_is_500_and_nothing_is_left(volumes: Volumes,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _document: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_document", full)
    with pytest.raises(faults.Internal, match=r"create data: .*No space left on device"):
        volumes.create("data")
    assert names(volumes) == []
    assert list((volumes.settings.root / "volumes").iterdir()) == []


def test_a_list_is_filtered(volumes: Volumes) -> None:
    volumes.create("one", labels={"a": "1"})
    volumes.create("two", labels={"a": "2", "b": ""})
    volumes.use("one", "c1")
    assert names(volumes) == ["one", "two"]
    assert names(volumes, name="^o") == ["one"]
    assert names(volumes, label="a=2") == ["two"]
    assert names(volumes, label="a") == ["one", "two"]
    assert names(volumes, dangling="true") == ["two"]
    assert names(volumes, dangling="false") == ["one"]
    assert names(volumes, driver="local") == ["one", "two"]
    assert names(volumes, driver="nfs") == []
    with pytest.raises(faults.BadRequest, match="invalid filter 'size'"):
        names(volumes, size="1")


def test_prune_takes_the_unnamed_and_unused(volumes: Volumes) -> None:
    volumes.use("0" * 64, "c1", anonymous=True)
    volumes.use("1" * 64, "c2", anonymous=True)
    (volumes.find("0" * 64).data / "file").write_bytes(b"12345")
    volumes.create("named")
    volumes.release("c1")
    report = volumes.prune(Filters())
    assert (report.deleted, report.space_reclaimed) == (("0" * 64,), 5)
    assert names(volumes) == ["1" * 64, "named"]
    assert said(volumes)[-1] == ("prune", "")


def test_prune_of_all_takes_the_named_too(volumes: Volumes) -> None:
    volumes.create("named", labels={"keep": "yes"})
    volumes.create("other")
    assert volumes.prune(Filters.of(all="false")).deleted == ()
    assert volumes.prune(Filters.of(**{"all": "true", "label!": "keep"})).deleted == ("other",)
    assert volumes.prune(Filters.of(label="keep=yes"), everything=True).deleted == ("named",)


def test_prune_says_what_is_wrong_with_its_filters(volumes: Volumes) -> None:
    with pytest.raises(faults.BadRequest, match=r"invalid filter 'all': strconv.ParseBool: parsing .x."):
        volumes.prune(Filters.of(all="x"))
    with pytest.raises(faults.BadRequest, match="only one value is expected"):
        volumes.prune(Filters.of(all=("true", "false")))
    with pytest.raises(faults.BadRequest, match="invalid filter 'name'"):
        volumes.prune(Filters.of(name="x"))


def test_usage_counts_bytes_once_and_containers(volumes: Volumes) -> None:
    data = volumes.use("data", "c1")
    volumes.use("data", "c2")
    (data / "deep").mkdir()
    (data / "deep" / "a").write_bytes(b"x" * 100)
    os.link(data / "deep" / "a", data / "b")
    usage, = (one.usage_data for one in volumes.usage())
    assert usage is not None
    assert (usage.ref_count, usage.size) == (2, 100)
    assert size_of(data / "nowhere") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to the account of boxes")
def test_the_data_of_a_volume_belongs_to_whom_boxes_run_as(volumes: Volumes) -> None:
    assert volumes.create("data").data.stat().st_uid != 0
