# SPDX-License-Identifier: Apache-2.0
"""Bases of our own: their one layer, their hives, their config."""

from __future__ import annotations

import pytest
from support.builds import acl

from imagebuild import hive
from imagebuild.codec import Compression, open_reader
from imagebuild.errors import UsageError
from imagebuild.images.bases.base import NAMES_OF, STAND_IN_LABEL, BaseRequest, entries, make_base
from imagebuild.images.bases.hives import NAMES
from imagebuild.layer import Entry, Kind, Times, read
from imagebuild.oci import Image
from imagebuild.stores import MemoryStore
from imagebuild.windows.filetime import DOS_EPOCH

VERSION = "10.0.20348.2762"


def request(flavour: str, version: str = VERSION, **more: object) -> BaseRequest:
    return BaseRequest(flavour=flavour, os_version=version, epoch=DOS_EPOCH, compression=Compression(),  # type: ignore[arg-type]
                       **more)  # type: ignore[arg-type]


def contents(flavour: str, version: str = VERSION) -> dict[str, tuple[Entry, bytes | None]]:
    return {entry.path: (entry, data) for entry, data in entries(request(flavour, version))}


@pytest.mark.parametrize("flavour", ["scratch", "hostprocess", "nanoserver", "servercore"])
def test_every_base_has_five_valid_hives_and_parents_before_children(flavour: str) -> None:
    found = contents(flavour, VERSION if flavour in ("nanoserver", "servercore") else "")
    for name in NAMES:
        entry, data = found[f"Files/Windows/System32/config/{name}"]
        assert data is not None and len(data) == entry.size
        assert hive.read(data).root.name
        assert acl(entry).count("(A;") == 2
    seen = {""}
    for path, (entry, _) in found.items():
        assert path.rpartition("/")[0] in seen
        seen.add(path)
        assert entry.times == Times.all(DOS_EPOCH)
        assert (entry.security is None) is (path == "Files")
    assert not any(path.startswith("Hives") for path in found)


def test_scratch_holds_nothing_but_the_way_to_its_hives() -> None:
    assert [path for path, (entry, _) in contents("scratch", "").items() if entry.kind is Kind.DIRECTORY] == [
        "Files", "Files/Windows", "Files/Windows/System32", "Files/Windows/System32/config"]


@pytest.mark.parametrize(("flavour", "kind"), [("nanoserver", "Nano Server"), ("servercore", "Server Core")])
def test_a_stand_in_has_the_folders_accounts_and_version_of_what_it_stands_for(flavour: str, kind: str) -> None:
    found = contents(flavour)
    assert {"Files/Users/ContainerAdministrator", "Files/Users/ContainerUser", "Files/Program Files"} <= set(found)
    software = hive.read(found["Files/Windows/System32/config/SOFTWARE"][1] or b"")
    current = "Microsoft\\Windows NT\\CurrentVersion"

    def text(path: str, name: str) -> str:
        return software[path].values[name].text()

    assert text(current, "InstallationType") == kind
    assert text(current, "CurrentBuild") == "20348"
    assert software[current].values["UBR"].number() == 2762
    assert text(current + "\\ProfileList\\S-1-5-93-2-2", "ProfileImagePath") == "C:\\Users\\ContainerUser"
    system = hive.read(found["Files/Windows/System32/config/SYSTEM"][1] or b"")
    assert hive.machine_environment(system.root, software.root)["Path"].startswith("C:\\Windows\\system32;C:\\Windows;")
    for key in ("Control\\Session Manager\\DOS Devices", "Services\\Dnscache\\Parameters",
                "Services\\EventLog\\Application", "Control\\SecurityProviders\\SCHANNEL\\Protocols"):
        assert system[f"ControlSet001\\{key}"].name == key.rpartition("\\")[2], "real Dockerfiles write into it"


def made(flavour: str, version: str = VERSION, **more: object) -> tuple[MemoryStore, Image]:
    store = MemoryStore()
    image, descriptor = make_base(request(flavour, version, **more), store, tag="x")
    assert store.resolve("x") == descriptor == image.descriptor()
    return store, image


def test_a_stand_in_is_labelled_and_its_config_says_what_the_real_one_says() -> None:
    _, nano = made("nanoserver", labels=(("a", "b"),))
    assert dict(nano.config.run.labels) == {STAND_IN_LABEL: NAMES_OF["nanoserver"], "a": "b"}
    assert (nano.config.os, nano.config.os_version, nano.config.os_features) == ("windows", VERSION, ())
    assert nano.config.run.user == "ContainerUser"
    _, core = made("servercore")
    assert (core.config.os_features, core.config.run.user) == (("win32k",), "")
    _, host = made("hostprocess", "")
    assert (host.config.os_version, STAND_IN_LABEL in dict(host.config.run.labels)) == ("", True)
    _, scratch = made("scratch", "")
    assert scratch.config.run.labels == ()


def test_the_layer_is_readable_and_the_same_every_time() -> None:
    store, image = made("nanoserver")
    with store.open_blob(image.layers[0]) as blob:
        assert [entry.path for entry, _ in read(open_reader(blob))] == list(contents("nanoserver"))
    assert made("nanoserver")[1] == image


@pytest.mark.parametrize("version", ["", "10.0", "20348", "10.0.20348"])
def test_a_stand_in_without_a_whole_version_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match="needs a version") as caught:
        made("nanoserver", version)
    assert "--os-version" in caught.value.hint
