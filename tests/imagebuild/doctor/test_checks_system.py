# SPDX-License-Identifier: Apache-2.0
"""Disks, daemon.json, antivirus, filters, policies, clock, restarts."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import FILTERS, GIB, SERVER_2022, TOOLBOX, WINDOWS_11, changed

from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.machine import AntivirusFacts, FilterDriver, MachineFacts, Volume


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


@pytest.mark.parametrize(("drive", "status"), [("C:", "pass"), ("c:\\", "pass"), ("D:", "fail"), (None, "unknown")])
def test_windows_must_be_on_c(drive: str | None, status: str) -> None:
    assert ask("system-drive", SERVER_2022, {"system.drive": drive})[0] == status


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({}, "pass", "on NTFS"), ({"volumes": (Volume("C:", "ReFS"),)}, "pass", "on ReFS"),
    ({"volumes": (Volume("C:", "FAT32"),)}, "fail", "on FAT32"), ({"volumes": (Volume("C:"),)}, "unknown", "file "
                                                                                                           "system"),
    ({"volumes": None}, "unknown", "volumes"), ({"daemon.data_root": "D:\\docker"}, "unknown", "D:\\docker"),
    ({"daemon.data_root": "D:\\docker", "volumes": (Volume("C:", "NTFS"), Volume("D:", "exFAT"))}, "fail",
     "D:\\docker"),
    ({"daemon.data_root": None}, "pass", "C:\\ProgramData\\docker"),
])
def test_layers_need_a_file_system_of_windows(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("data-root", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("free", "status"), [
    (10 * GIB - 1, "fail"), (10 * GIB, "warn"), (40 * GIB - 1, "warn"), (40 * GIB, "pass"), (None, "unknown"),
])
def test_images_need_space(free: int | None, status: str) -> None:
    assert ask("disk-space", SERVER_2022, {"volumes": (Volume("C:", "NTFS", 500 * GIB, free),)})[0] == status


def test_space_is_asked_of_the_volume_that_holds_the_data() -> None:
    volumes = (Volume("C:", "NTFS", 1, 0), Volume("D:", "NTFS", 1, 100 * GIB))
    assert ask("disk-space", SERVER_2022, {"volumes": volumes, "daemon.data_root": "D:\\docker"})[0] == "pass"
    assert ask("disk-space", TOOLBOX, {"volumes": (Volume("/", "ext4", 1, GIB),)})[0] == "fail"


def config(text: str | None, coding: str | None = "utf-8", version: str = "29.1.0", arguments: str = "dockerd") -> Any:
    return {"daemon.config_text": text, "daemon.config_encoding": coding, "host.engine.version": version,
            "daemon.arguments": arguments}


@pytest.mark.parametrize(("changes", "status", "words"), [
    (config(""), "pass", "none, or empty"), (config('{"group": "x"}'), "pass", "group"), (config(None), "unknown",
                                                                                          "content"),
    (config("{"), "fail", "line 1"), (config("{}", "other"), "fail", "not UTF-8"), (config("{}", "utf-8-bom"), "pass",
                                                                                    "none"),
    (config("{}", "utf-8-bom", "20.10.9"), "fail", "utf-8-bom"), (config("{}", "utf-16", "20.10.9"), "fail", "utf-16"),
    (config("{}", "utf-16", "23.0.0"), "pass", "none"), (config("{}", "utf-8-bom", ""), "warn", "utf-8-bom"),
    (config("", "utf-8-bom", "20.10.9"), "pass", "none"),
    (config('{"hosts": []}', arguments="dockerd -H npipe://"), "fail", "hosts"),
])
def test_dockerd_must_be_able_to_read_its_configuration(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("daemon-json", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("facts", "status", "words"), [
    (AntivirusFacts(True, (r"C:\ProgramData\docker",)), "pass", "leaves out"),
    (AntivirusFacts(True, (r"c:\programdata\\".rstrip("\\"),)), "pass", "leaves out"),
    (AntivirusFacts(True, (r"C:\ProgramData\dock", "")), "warn", "watches"), (AntivirusFacts(True, ()), "warn",
                                                                              "watches"),
    (AntivirusFacts(False, ()), "pass", "does not watch"), (AntivirusFacts(True, None), "unknown", "leaves out"),
    (AntivirusFacts(None, ()), "unknown", "watches"), (AntivirusFacts(False, (), ("Contoso AV",)), "warn",
                                                       "Contoso AV"),
])
def test_a_scanner_must_leave_the_engine_alone(facts: AntivirusFacts, status: str, words: str) -> None:
    answer = ask("antivirus", SERVER_2022, {"antivirus": facts})
    assert answer[0] == status
    assert words in answer[1]


def filters(*more: FilterDriver) -> dict[str, Any]:
    return {"filters": FILTERS + more}


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({}, "pass", "2 above wcifs"), ({"filters": None}, "unknown", "fltmc"),
    (filters(FilterDriver("csagent", "321410", True, "CrowdStrike, Inc.")), "warn", "csagent (CrowdStrike, Inc., "
                                                                                    "321410)"),
    (filters(FilterDriver("csagent", "321410", False, "CrowdStrike, Inc.")), "pass", "2 above"),
    (filters(FilterDriver("gameflt", "189850", True, "Contoso")), "pass", "2 above"),
    (filters(FilterDriver("x", "189900.5", True, "Contoso")), "warn", "x (Contoso"),
    (filters(FilterDriver("x", "321410", True, None)), "unknown", "x"),
    (filters(FilterDriver("x", "high", True, "Contoso")), "pass", "2 above"),
    (filters(FilterDriver("x", "NaN", True, "Contoso")), "pass", "2 above"),
    ({"filters": (FilterDriver("x", "189901", True, "Contoso"),)}, "warn", "x"),
    ({"filters": (FilterDriver("wcifs", "300000"), FilterDriver("x", "189901", True, "Contoso"))}, "pass", "0 above"),
])
def test_filters_of_others_above_wcifs_are_named(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("filter-drivers", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("value", "status"), [(False, "pass"), (True, "fail"), (None, "unknown")])
def test_unencrypted_volumes_must_be_writable(value: bool | None, status: str) -> None:
    assert ask("bitlocker-policy", SERVER_2022, {"policy.deny_unprotected": value})[0] == status


@pytest.mark.parametrize(("sids", "status"), [
    (("S-1-5-80-0", "S-1-5-83-0"), "pass"), (("S-1-5-80-0",), "fail"), ((), "fail"), (None, "unknown"),
])
def test_virtual_machines_must_be_allowed_to_log_on(sids: tuple[str, ...] | None, status: str) -> None:
    assert ask("service-logon", WINDOWS_11, {"policy.service_logon": sids})[0] == status
    assert QUESTIONS["service-logon"].ask(SERVER_2022) is None


@pytest.mark.parametrize(("skew", "status", "words"), [
    (0.4, "pass", "0 s ahead"), (60.0, "pass", "60 s ahead"), (60.5, "warn", "ahead"), (-300.0, "warn", "300 s behind"),
    (-301.0, "fail", "301 s behind"), (None, "unknown", "how wrong"),
])
def test_the_clock_must_be_about_right(skew: float | None, status: str, words: str) -> None:
    answer = ask("clock", SERVER_2022, {"clock.skew": skew})
    assert answer[0] == status
    assert words in answer[1]


def test_a_clock_that_nothing_sets_will_go_wrong() -> None:
    assert ask("clock", SERVER_2022, {"clock.skew": None, "clock.synchronised": False})[0] == "warn"
    assert ask("clock", SERVER_2022, {"clock.synchronised": False})[0] == "pass"
    assert QUESTIONS["clock"].ask(TOOLBOX) is None


@pytest.mark.parametrize(("reasons", "status"), [((), "pass"), (("windows-update",), "warn"), (None, "unknown")])
def test_a_restart_may_be_due(reasons: tuple[str, ...] | None, status: str) -> None:
    assert ask("reboot", SERVER_2022, {"system.pending_reboot": reasons})[0] == status
