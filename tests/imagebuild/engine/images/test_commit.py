# SPDX-License-Identifier: Apache-2.0
"""Commit: a container's folder and registry become a layer that Windows would import, its config an image."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images
from support.attack import ask
from support.engine_images import Served, ground, owner, serving

from imagebuild.codec import Compression
from imagebuild.engine.images.commit import Commitable
from imagebuild.hive import Value, find
from imagebuild.hive import read as read_hive
from imagebuild.hive.edits.edit import AddKey, Edit, SetValue
from imagebuild.hive.places import HIVES, HiveName
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.images.put import put_image
from imagebuild.layer import Entry, Kind, read
from imagebuild.lint import LayerLinter
from imagebuild.oci import Reference, RunConfig, append
from imagebuild.runtime.registry.registry import HiveChange
from imagebuild.runtime.snapshots.changes import changes, open_content
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.snapshots.overlay import make_whiteout
from imagebuild.windows import attributes, filetime
from imagebuild.windows.acl.sddl import format_sddl
from imagebuild.windows.security import SecurityDescriptor


class Container:
    """A stopped container: an upper folder over the image's layers, unpacked as for a sandbox."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.upper = served, folder / "upper"
        self.upper.mkdir()
        engine = served.engine
        engine.images.ground = lambda: ground(folder)
        self.image = served.ask("GET", "/images/app:1/json").json["Id"]
        made = engine.images.unpack(self.image)
        self.lower = Merged((*ground(folder).folders, *made.layers))
        self.hives: tuple[HiveChange, ...] = ()
        self.running = False
        self.run = RunConfig(cmd=("cmd", "/c", "x"), env=("A=1",))

    def commit(self, body: bytes = b"", **query: object) -> tuple[int, dict[str, str]]:
        self.served.engine.containers["c1"] = Commitable(
            "c" * 64, self.image, self.running, self.run, lambda: changes(self.upper, self.lower),
            lambda path: open_content(self.upper, path), lambda: self.hives)
        answer = self.served.ask("POST", "/commit", body, container="c1", **query)
        return answer.status, answer.json

    def layer(self, identifier: str, number: int = -1) -> dict[str, tuple[Entry, bytes | None]]:
        shelf = self.served.engine.images.shelf
        kept = next(kept for kept in shelf.all().values() if kept.id == identifier)
        linter = LayerLinter(base=False)
        out, findings = {}, []
        with shelf.store.open_blob(kept.image.layers[number]) as blob:
            for entry, content in read(blob):
                data = content.read() if content is not None else None
                out[entry.path] = entry, data
                findings += linter.entry(entry, data)
        assert [*findings, *linter.finish()] == []
        return out


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    with serving(owner(tmp_path / "root"), tmp_path) as served:
        shelf = served.engine.images.shelf
        with shelf.writing() as store:
            base, _ = make_base(BaseRequest(flavour="nanoserver", os_version="10.0.20348.2762",
                                            epoch=filetime.DOS_EPOCH, compression=Compression()), store)
            above = images.layer(store, (images.folder("Files", security=False), images.folder("Files/App"),
                                         images.file("Files/App/Old.txt", b"old"), images.file("Files/App/gone.txt"),
                                         images.folder("Hives", security=False)))
            image = append(base, above.descriptor, above.diff_id)
            shelf.keep(store, put_image(store, image), [Reference.parse("app:1")])
        yield Container(served, tmp_path)


def sddl(entry: Entry) -> str:
    assert entry.security is not None
    return format_sddl(SecurityDescriptor.from_bytes(entry.security))


def test_what_a_container_wrote_changed_and_deleted_is_the_new_layer(container: Container) -> None:
    app = container.upper / "App"
    (app / "sub").mkdir(parents=True)
    (app / "sub" / "new.txt").write_bytes(b"new")
    (app / "Old.txt").write_bytes(b"changed")
    number = os.open(app, os.O_RDONLY)
    make_whiteout(number, "gone.txt")
    os.close(number)
    status, answer = container.commit(repo="made", tag="1", author="me", comment="why")
    assert status == 201
    layer = container.layer(answer["Id"])
    assert set(layer) == {"Files", "Files/App", "Files/App/Old.txt", "Files/App/gone.txt", "Files/App/sub",
                          "Files/App/sub/new.txt", "Hives"}
    assert layer["Files/App/gone.txt"][0].kind is Kind.WHITEOUT
    assert layer["Files/App/Old.txt"][1] == b"changed"
    assert layer["Files/App/sub/new.txt"][1] == b"new"
    assert sddl(layer["Files/App/Old.txt"][0]) == images.SDDL
    assert sddl(layer["Files/App"][0]) == images.FOLDER_SDDL
    assert "ID" in sddl(layer["Files/App/sub/new.txt"][0])


def test_the_image_says_who_when_and_from_what(container: Container) -> None:
    _, answer = container.commit(repo="made", tag="1", author="me", comment="why")
    found = container.served.ask("GET", "/images/made:1/json").json
    assert (found["Id"], found["Parent"], found["Author"], found["Comment"]) == (
        answer["Id"], container.image, "me", "why")
    assert found["Config"]["Cmd"] == ["cmd", "/c", "x"]
    newest = container.served.ask("GET", "/images/made:1/history").json[0]
    assert (newest["CreatedBy"], newest["Comment"]) == ("cmd /c x", "why")
    told = [event for event in container.served.engine.events._past if event.action == "commit"]
    assert told[0].attributes["imageRef"] == "made:1"


def test_a_parent_without_a_name_is_hidden_and_cannot_be_removed_before_its_child(container: Container) -> None:
    _, answer = container.commit(repo="made")
    served = container.served
    assert served.ask("DELETE", "/images/app:1").json == [{"Untagged": "app:1"}]
    assert [row["Id"] for row in served.ask("GET", "/images/json").json] == [answer["Id"]]
    assert len(served.ask("GET", "/images/json", all="1").json) == 2
    refused = served.ask("DELETE", f"/images/{container.image}", force="1")
    assert refused.message == (f"conflict: unable to delete {container.image[7:19]} (cannot be forced) - image has "
                               "dependent child images")
    gone = [item["Deleted"] for item in served.ask("DELETE", "/images/made").json if "Deleted" in item]
    assert {answer["Id"], container.image} <= set(gone)


def test_a_container_that_did_nothing_makes_an_empty_layer(container: Container) -> None:
    _, answer = container.commit()
    assert set(container.layer(answer["Id"])) == {"Files", "Hives"}


def test_links_come_out_as_windows_has_them(container: Container) -> None:
    app = container.upper / "App"
    app.mkdir()
    (app / "file").symlink_to("Old.txt")
    (app / "folder").symlink_to("../windows/")
    (app / "junction").symlink_to("./../windows/.")
    _, answer = container.commit()
    layer = container.layer(answer["Id"])
    kinds = {name: (layer[f"Files/App/{name}"][0].kind, layer[f"Files/App/{name}"][0].target) for name in (
        "file", "folder", "junction")}
    assert kinds["file"] == (Kind.SYMLINK, "Old.txt")
    assert kinds["folder"][0] is Kind.DIRECTORY_SYMLINK
    assert kinds["junction"][0] is Kind.JUNCTION
    assert kinds["junction"][1].lower() == "c:\\windows"


def test_names_are_spelt_as_the_image_spells_them(container: Container) -> None:
    (container.upper / "windows").mkdir()
    (container.upper / "windows" / "mine.txt").write_bytes(b"x")
    _, answer = container.commit()
    assert "Files/Windows/mine.txt" in container.layer(answer["Id"])


def test_what_wine_alone_has_leaves_no_whiteout(container: Container, tmp_path: Path) -> None:
    (tmp_path / "template" / "drive_c" / "windows" / "hh.exe").write_bytes(b"MZ")
    (container.upper / "windows").mkdir()
    number = os.open(container.upper / "windows", os.O_RDONLY)
    make_whiteout(number, "hh.exe")
    os.close(number)
    _, answer = container.commit()
    assert not [path for path in container.layer(answer["Id"]) if path.endswith("hh.exe")]


def changed(hive: HiveName, *edits: Edit) -> HiveChange:
    return HiveChange(hive, edits)


def test_the_registry_goes_into_a_delta_that_holds_just_those_keys(container: Container) -> None:
    container.hives = (changed(HIVES["SOFTWARE"], AddKey("Acme"), SetValue("Acme", Value.sz("v", "1"))),)
    _, answer = container.commit(repo="made")
    assert set(container.layer(answer["Id"])) == {"Files", "Hives"}
    layer = container.layer(answer["Id"], 1)
    assert [path for path in layer if path.startswith("Hives/")] == ["Hives/Software_Delta"]
    root = read_hive(layer["Hives/Software_Delta"][1] or b"").root
    assert [child.name for child in root.subkeys] == ["Acme"]
    found = find(root, "Acme")
    assert found is not None
    assert found.values.get("v") is not None


def test_deltas_sit_above_the_base_where_a_host_with_cimfs_takes_them(container: Container) -> None:
    container.hives = (changed(HIVES["SOFTWARE"], SetValue("Acme", Value.sz("v", "1"))),)
    _, first = container.commit()
    container.image = first["Id"]
    container.hives = (changed(HIVES["SYSTEM"], SetValue("Mine", Value.sz("v", "2"))),)
    _, second = container.commit()
    found = [container.layer(second["Id"], number) for number in range(1, 4)]
    assert [{path for path in layer if path.startswith("Hives/")} for layer in found] == [
        {"Hives/Software_Delta", "Hives/System_Delta"}, {"Hives/Software_Delta"}, set()]


def test_the_users_own_registry_is_a_file_of_the_profile(container: Container) -> None:
    container.hives = (changed(HiveName("user", "", "HKEY_CURRENT_USER"), SetValue("Mine", Value.sz("v", "1"))),)
    _, answer = container.commit()
    entry, data = container.layer(answer["Id"])["Files/Users/ContainerAdministrator/NTUSER.DAT"]
    assert entry.attributes is not None
    assert entry.attributes & attributes.HIDDEN
    assert find(read_hive(data or b"").root, "Mine") is not None


def test_instructions_and_a_config_of_the_client_change_the_image(container: Container) -> None:
    container.run = RunConfig(cmd=("cmd",), env=("A=1", "b=0"))
    body = json.dumps({"Cmd": ["own.exe"], "Env": ["B=2"]}).encode()
    container.commit(body, repo="made", changes=["ENV C=3", 'LABEL a="b"', "WORKDIR C:/x"])
    config = container.served.ask("GET", "/images/made/json").json["Config"]
    assert config["Cmd"] == ["own.exe"]
    assert config["Env"] == ["B=2", "C=3", "A=1"]
    assert config["Labels"]["a"] == "b"
    assert config["WorkingDir"] == "C:\\x"


def test_a_config_of_unknown_length_counts_too(container: Container) -> None:
    body = b'{"Cmd": ["own.exe"]}'
    container.commit()
    reply = ask(container.served.path, b"POST /commit?container=c1&repo=made HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                % (len(body), body))
    assert reply.status == 201
    assert container.served.ask("GET", "/images/made/json").json["Config"]["Cmd"] == ["own.exe"]


@pytest.mark.parametrize(("query", "status", "text"), [
    ({"changes": ["RUN dir"]}, 400, "run is not a valid change command"),
    ({"changes": ["ENV"]}, 400, "ENV"),
    ({"repo": "Bad"}, 400, "must be lowercase"),
])
def test_what_cannot_be_committed_is_refused(container: Container, query: dict[str, object], status: int,
                                            text: str) -> None:
    found, answer = container.commit(**query)
    assert found == status
    assert text in answer["message"]


def test_a_running_container_is_refused_as_windows_refuses_it(container: Container) -> None:
    container.running = True
    assert container.commit() == (500, {"message": "windows does not support commit of a running container"})


def test_a_container_that_is_not_there_is_a_404(container: Container) -> None:
    assert container.served.ask("POST", "/commit", container="nope").message == "No such container: nope"
