# SPDX-License-Identifier: Apache-2.0
"""Names of containers' jobs, and WMI's way to spell them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuild.compat.isolation import job_names as jobnames

ID = "1f8bf89026c8f66921a55e773bac1c60174bb6bab52ef427c6c8dbc8698f9d7a"


@given(st.text())
@example("\\Container_1F")
@example("Kelvin \u212a, dotted \u0130, sharp \u1e9e, long \u017f, title \u01c5")
@example("\\")
@example("\\a\\\\A")
def test_a_name_that_was_spelt_for_wmi_is_read_back(name: str) -> None:
    assert jobnames.decode_key(jobnames.encode_key(name)) == name


@given(st.text() | st.text("\\aA1", max_size=12))
def test_any_key_stands_for_a_name_whatever_its_case(key: str) -> None:
    name = jobnames.decode_key(key)
    assert jobnames.decode_key(jobnames.encode_key(name)) == name


@given(st.text("abcXYZ\\019_", max_size=12))
def test_wmi_does_not_mind_the_case_of_a_key(key: str) -> None:
    assert jobnames.decode_key(key.upper()) == jobnames.decode_key(key.lower()) == jobnames.decode_key(key)


@pytest.mark.parametrize(("name", "key"), [
    ("WmiProviderSubSystemHostJob", r"\wmi\provider\sub\system\host\job"), ("abc1_", "abc1_"), ("AB", r"\a\b"),
    (f"JobContainer_{ID}", rf"\job\container_{ID}"), ("Ärger", r"\ärger"), (r"\Container_1", r"\\\container_1"),
])
def test_a_capital_is_a_backslash_and_the_small_letter(name: str, key: str) -> None:
    assert jobnames.encode_key(name) == key
    assert jobnames.decode_key(key) == name


@pytest.mark.parametrize(("key", "name"), [("\\", "\\"), (r"a\1", r"a\1"), (r"\A", "A"), ("A", "a"), (r"\\", "\\"),
                                           ("\\\u00df", "\\\u00df"), ("", "")])
def test_a_backslash_before_what_has_no_capital_stays(key: str, name: str) -> None:
    assert jobnames.decode_key(key) == name


def test_each_kind_of_container_has_its_job() -> None:
    assert jobnames.job_name(ID, "process") == f"\\Container_{ID}"
    assert jobnames.job_name(ID, "process", host_process=True) == f"JobContainer_{ID}"
    assert jobnames.job_name(ID, "hyperv") is None
    assert jobnames.job_name(ID, "") is None
    assert jobnames.job_name("", "process") is None


@pytest.mark.parametrize(("listed", "same"), [
    (r"\Container_1", True), ("Container_1", True), (r"\Silos\9\Container_1", True), (r"\container_1", False),
    (r"\Container_12", False), ("JobContainer_1", False), ("", False), ("\\", False),
])
def test_a_job_is_found_wherever_the_listing_begins(listed: str, same: bool) -> None:
    assert jobnames.same_job(listed, r"\Container_1") is same
    assert not jobnames.same_job(listed, "")


def test_jobs_of_containers_are_told_from_others() -> None:
    assert jobnames.is_container_job(r"\Container_1")
    assert jobnames.is_container_job(r"\BaseNamedObjects\JobContainer_1")
    assert not jobnames.is_container_job("WmiProviderSubSystemHostJob")
    assert not jobnames.is_container_job("")
