# SPDX-License-Identifier: Apache-2.0
"""The module ``engine_config`` on a Windows host: daemon.json merged, checked, and never half written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.ansible_hosts import Controller, Outcome, raw, steady, thrice

pytestmark = pytest.mark.slow

PATH = r"C:\ProgramData\docker\config\daemon.json"
SETTINGS = {"data-root": "D:\\döcker %TEMP% \"x\" {{ '{{' }} 'y'", "debug": True, "hosts": [], "dns-opts": ["ndots:1"],
            "max-concurrent-uploads": 3, "builder": {"gc": {"enabled": True, "policy": [{"all": None}]}},
            "log-opts": {"max-size": "10m", "splunk-token": "sehr-geheim"},
            "proxies": {"http-proxy": "http://me:hunter2@proxy:3128"}}
PLAIN = json.loads(json.dumps(SETTINGS).replace("{{ '{{' }}", "{{"))


def config(settings: Any, **more: Any) -> dict[str, Any]:
    return {"wcow.containers.engine_config": {"settings": settings, **more}}


def read(*paths: str) -> dict[str, Any]:
    """A task that prints files as hexadecimal digits, a line each."""
    return raw("; ".join(f"[BitConverter]::ToString([IO.File]::ReadAllBytes({path})).Replace('-','')"
                         for path in paths or [f"'{PATH}'"]))


def content(outcome: Outcome) -> list[bytes]:
    return [bytes.fromhex(line) for line in outcome.text.split()]


def write(path: str, data: bytes) -> str:
    return (f"[void](mkdir -Force (Split-Path '{path}')); "
            f"[IO.File]::WriteAllBytes('{path}', [Convert]::FromHexString('{data.hex()}'))")


REMOVE = raw(f"Remove-Item -Force '{PATH}*' -ErrorAction SilentlyContinue; exit 0")


def test_settings_are_written_once_and_merged(controller: Controller) -> None:
    got = controller.play(REMOVE, *thrice(config(SETTINGS)), read(),
                          *thrice(config({"log-opts": {"max-file": "2"}, "debug": None, "hosts": None})), read(),
                          *thrice(config({"group": "docker-users"}, replace=True, backup=True)),
                          read(f"'{PATH}'", f"(Get-Item '{PATH}.backup-*').FullName"))
    real = steady(got[1], got[2], got[3])
    assert real["path"] == PATH and real["validation"] == "not_found" and not real["restart_required"]
    assert real["changed_settings"] == sorted(SETTINGS) and got[3]["changed_settings"] == []
    (written,) = content(got[4])
    assert json.loads(written) == PLAIN and b'\n    "debug": true,\n' in written
    merged = steady(got[5], got[6], got[7])
    assert merged["changed_settings"] == ["debug", "hosts", "log-opts"]
    wanted = {**PLAIN, "log-opts": {**PLAIN["log-opts"], "max-file": "2"}}
    del wanted["debug"], wanted["hosts"]
    assert json.loads(content(got[8])[0]) == wanted
    replaced = steady(got[9], got[10], got[11])
    assert replaced["backup_file"].startswith(PATH + ".backup-")
    assert [json.loads(one) for one in content(got[12])] == [{"group": "docker-users"}, wanted]


def test_no_secret_is_shown(controller: Controller) -> None:
    changed = {**SETTINGS, "log-opts": {"max-size": "10m", "splunk-token": "noch-geheimer"}}
    got = controller.play(REMOVE, config(SETTINGS), config(json.dumps(changed)), arguments=("--diff", "-vvvv"))
    text = json.dumps([one.result for one in got.outcomes]) + got.printed
    assert "geheim" not in text and "hunter2" not in text
    assert got[2].changed and got[2]["invocation"]["module_args"]["settings"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert '"splunk-token": "xxxxx (changed)"' in got[2]["diff"]["after"]
    assert '"max-size": "10m"' in got[2]["diff"]["after"]


def test_other_encodings_are_written_anew_and_malformed_files_kept_aside(controller: Controller) -> None:
    cases = [
        (b"\xef\xbb\xbf" + b'{"debug": true}', "utf-8-bom", ""),
        ('\ufeff{"debug": true}'.encode("utf-16-le"), "utf-16", ""),
        (b"\n", "utf-8", ""),
        (b'{\n  "debug": true,\n}', "utf-8", "line 3, column 1: a name in double quotes is expected"),
        (b"{'debug': true}", "utf-8", "line 1, column 2: a name in double quotes"),
        (b'{"debug": true // no\n}', "utf-8", "line 1, column 16: ',' or '}' is expected"),
        (b"\xff\x00\x01\xfe", "other", "neither UTF-8 nor UTF-16"),
        (b"[]", "utf-8", "a dictionary is expected"),
    ]
    paths = [f"C:\\cases\\{at}.json" for at in range(len(cases))]
    task = {**config({"debug": True}, path="{{ item }}"), "loop": paths}
    got = controller.play(raw("; ".join(write(path, case[0]) for path, case in zip(paths, cases, strict=True))),
                          {**task, "check_mode": True}, task, {**task, "loop": paths[2:4]},
                          read(*(f"'{one}'" for one in paths)),
                          read(*(f"(Get-Item '{one}.malformed-*').FullName" for one in paths[3:])))
    assert content(got[4]) == [b'{\n    "debug": true\n}\n'] * len(cases)
    assert content(got[5]) == [case[0] for case in cases[3:]]
    assert not any(row["changed"] for row in got[3]["results"])
    for (_, encoding, why), check, real in zip(cases, got[1]["results"], got[2]["results"], strict=True):
        assert check["changed"] and real["changed"] and check["diff"] == real["diff"]
        assert check["encoding"] == encoding and real["encoding"] == "utf-8"
        assert why in str(real["malformed"]) and bool(real["malformed"]) == bool(why)
        assert bool(real["kept_aside"]) == bool(why)
    assert "was malformed (line 3, column 1" in " ".join(got.printed.split())


def test_what_cannot_be_is_refused(controller: Controller) -> None:
    texts = ["[1]", '{"a": 1', "'x'"]
    got = controller.play(REMOVE, config({}), *({**config(text), "ignore_errors": True} for text in texts),
                          {**config({}, path="C:\\Windows"), "ignore_errors": True},
                          {**config({"a": 1}, dockerd="C:\\none.exe"), "ignore_errors": True},
                          {"wcow.containers.engine_config": {}, "ignore_errors": True})
    assert not got[1].changed
    assert [one.state for one in got.outcomes[2:]] == ["failed"] * 6
    assert "has to be a dictionary" in got[2].message
    assert "settings is not JSON: line 1, column 8: ',' or '}' is expected" in got[3].message
    assert "settings is not JSON" in got[4].message
    assert "C:\\Windows is a folder" in got[5].message
    assert "there is no file C:\\none.exe" in got[6].message
    assert "missing required arguments: settings" in got[7].message
