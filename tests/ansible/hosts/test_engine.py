# SPDX-License-Identifier: Apache-2.0
"""The module ``engine`` on a Windows host: it installs, upgrades, goes back, removes, and ends no container unasked.

``dockerd.exe`` is a small program of the tests' own that makes its service and answers on the pipe.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs, sandboxes
from support.ansible_hosts import Controller, Outcome, raw, steady, thrice

pytestmark = pytest.mark.slow

SOURCE = Path(ansible_hosts.__file__).with_name("ansible_dockerd.c")
FOLDER = r"C:\Program Files\Docker"
WEB = {"id": "a1", "name": "web", "image": "img", "restart_policy": "always"}
JOB = {"id": "b2", "name": "job", "image": "img", "restart_policy": "no"}


def archive(version: str, files: dict[str, bytes] | None = None) -> bytes:
    """An archive as Docker's static ones are."""
    if files is None:
        program = sandboxes.compile_program(SOURCE, f'-DVERSION="{version}"', "-ladvapi32")
        files = {"docker/docker.exe": version.encode(), "docker/dockerd.exe": program.read_bytes()}
    return ansible_hosts.zipped(files)


@pytest.fixture(scope="module")
def archives() -> dict[str, bytes]:
    with programs.skipping():
        return {version: archive(version) for version in ("27.5.1", "28.4.0")} | {
            "none": archive("", {"readme.txt": b"x"}), "outside": archive("", {
                "docker/dockerd.exe": b"x", "docker/../../evil.exe": b"x"}), "text": b"no archive"}


@pytest.fixture(scope="module")
def install(controller: Controller, archives: dict[str, bytes]) -> Any:
    """Puts the archives on the host; returns what makes a task for one of them."""
    def put(name: str, data: bytes) -> str:
        text = base64.b64encode(data).decode()
        return f"[IO.File]::WriteAllBytes('C:\\zips\\{name}.zip', [Convert]::FromBase64String('{text}'))"

    controller.play(raw("[void](mkdir -Force C:\\zips, C:\\engine)"),
                    *(raw(put(name, data)) for name, data in archives.items()))

    def task(name: str, *, fails: bool = False, **options: Any) -> dict[str, Any]:
        given = {"source": f"C:\\zips\\{name}.zip", "checksum": "sha256:" + hashlib.sha256(archives[name]).hexdigest()}
        if name in archives and name[0].isdigit():
            given["version"] = name
        return {"wcow.containers.engine": {**given, **options}, "ignore_errors": fails}

    return task


def containers(*rows: str) -> dict[str, Any]:
    return raw("; ".join(f"Add-Content C:\\engine\\new.txt '{row}'" for row in rows)
               + "; Move-Item -Force C:\\engine\\new.txt C:\\engine\\containers.txt")


LOOK = raw(f"Get-Content C:\\engine\\containers.txt | % {{ [string]$_ }}; & '{FOLDER}\\dockerd.exe' --version; "
           f"(dir -Name '{FOLDER}') -join ' '; (Get-Service docker).Status")


def lines(outcome: Outcome) -> list[str]:
    return [line for line in outcome.text.splitlines() if line and not line.startswith(("PS", "Read"))]


def test_an_engine_is_installed_upgraded_brought_back_and_removed(controller: Controller, install: Any) -> None:
    old, new = "27.5.1", "28.4.0"
    config = {"wcow.containers.engine_config": {"settings": {"debug": True, "data-root": "C:\\döcker"}}}
    bad = {"wcow.containers.engine_config": {"settings": {"bad": 1}}, "ignore_errors": True}
    restart = {"wcow.containers.host_service": {"state": "restarted"}}
    stop = {"running_containers": "stop"}
    rows = ["a1 web img always 1", "b2 job img no 1"]
    got = controller.play(
        *thrice(install(old)), {"wcow.containers.engine": {"version": old}}, config, bad,  # 0-5
        raw(f"Set-Content '{FOLDER}\\mine.txt' x"), containers(*rows), install(new, fails=True),  # 6-8
        {**install(new, fails=True), "check_mode": True},
        {**restart, "ignore_errors": True}, *thrice(install(new, **stop)), LOOK,  # 9-14
        raw(f"New-Item C:\\engine\\broken-{old}; exit 0"),
        install(old, fails=True, start_timeout=5, running_containers="stop"), LOOK,  # 15-17
        {"wcow.containers.engine": {"version": "1.2"}, "ignore_errors": True},
        {**restart, "wcow.containers.host_service": {"state": "restarted", **stop}},  # 18-19
        raw("mkdir C:\\döcker\\image; exit 0"),
        *thrice({"wcow.containers.engine": {"state": "absent", **stop}}),  # 20-23
        *thrice({"wcow.containers.engine": {"state": "absent", "purge_data": True}}),  # 24-26
        raw(f"(dir -Name '{FOLDER}') -join ' '; Test-Path C:\\döcker; [bool](Get-Service docker -ErrorAction Ignore); "
            "[Environment]::GetEnvironmentVariable('Path', 'Machine') -match 'Docker'; exit 0"))
    first = steady(got[0], got[1], got[2])
    assert (first["version"], first["version_before"], first["engine_answers"]) == (old, None, old)
    assert first["program"] == FOLDER + r"\dockerd.exe" and not got[3].changed
    assert got[4]["validation"] == "passed" and got[4]["restart_required"]
    assert got[5]["validation"] == "refused" and "don't match any configuration option: bad" in got[5].message
    assert got[5]["path"] in got[5].message  # the file that the user knows, not the draft
    for refused in (got[8], got[9], got[10]):
        assert refused.state == "failed" and "web (img), job (img)" in refused.message
        assert "running_containers" in refused.message
    upgrade = steady(got[11], got[12], got[13])
    assert upgrade["containers"] == [WEB, JOB] and upgrade["containers_not_started"] == []
    assert (upgrade["version"], upgrade["version_before"]) == (new, old)
    assert lines(got[14]) == ["a1 web img always 1", "b2 job img no 0", f"Docker version {new}, build 0000000",
                              "docker.exe dockerd.exe mine.txt wcow-engine.json", "Running"]
    assert got[16].state == "failed" and f"version {new} is back" in got[16].message
    assert lines(got[17])[2] == f"Docker version {new}, build 0000000" and lines(got[17])[-1] == "Running"
    assert f"the engine is version {new}: say by source and checksum" in got[18].message
    assert got[19].changed and got[19]["engine_answers"] == new
    assert steady(got[21], got[22], got[23])["version"] is None
    assert steady(got[24], got[25], got[26])["data_root"] == "C:\\döcker"
    assert lines(got[27]) == ["mine.txt", "False", "False", "False"]


def test_an_archive_that_is_not_the_wanted_one_changes_nothing(controller: Controller, install: Any) -> None:
    wrong = "sha256:" + "0" * 64
    got = controller.play(
        install("27.5.1", fails=True, checksum=wrong), install("27.5.1", fails=True, checksum="abc"),
        install("27.5.1", fails=True, version="9.9"), install("none", fails=True), install("outside", fails=True),
        install("text", fails=True), install("27.5.1", fails=True, source="C:\\nosuch.zip"),
        install("27.5.1", fails=True, source="http://u:hunter2@127.0.0.1:9/x.zip"),
        install("27.5.1", fails=True, source="http://127.0.0.1:9/x.zip", url_username="u", url_password="hunter2"),
        {"wcow.containers.engine": {}, "ignore_errors": True},
        {"wcow.containers.engine": {"source": "C:\\x.zip"}, "ignore_errors": True},
        raw("Test-Path 'C:\\Program Files\\Docker*\\docker*.exe', C:\\evil.exe, 'C:\\Program Files\\Docker.*'"))
    assert all(one.state == "failed" and not one.changed for one in got.outcomes[:11])
    assert "and not " + wrong in got[0].message and "nothing was changed" in got[0].message
    assert "64 hexadecimal digits" in got[1].message
    assert "holds version 27.5.1, and not 9.9" in got[2].message
    assert "0 files dockerd.exe" in got[3].message and "outside its folder" in got[4].message
    assert "not a zip" in got[5].message and "there is no file C:\\nosuch.zip" in got[6].message
    assert "source holds credentials" in got[7].message and "cannot be fetched" in got[8].message
    assert "no engine is installed: say by source" in got[9].message
    assert "checksum" in got[10].message
    assert got[11].text.split() == ["False", "False", "False"]
    assert "hunter2" not in json.dumps([one.result for one in got.outcomes]) + got.printed
