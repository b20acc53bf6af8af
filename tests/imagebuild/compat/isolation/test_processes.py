# SPDX-License-Identifier: Apache-2.0
"""What a host sees of a container."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat.isolation import processes as isolation
from imagebuild.compat.isolation.processes import Container, Job, Process, visible
from imagebuild.windows.facts.host import Product

HOST = [Process(0, 0, 0, "System Idle Process"), Process(4, 0, 0, "System"), Process(500, 4, 0, "services.exe"),
        Process(900, 500, 0, "dockerd.exe"), Process(1000, 600, 1, "explorer.exe")]
INSIDE = [Process(3000, 500, 3, "smss.exe"), Process(3100, 3000, 3, "csrss.exe"), Process(3200, 3000, 3, "wininit.exe"),
          Process(3300, 3200, 3, "services.exe"), Process(3400, 3300, 3, "CExecSvc.exe"),
          Process(3964, 3400, 3, "PING.EXE")]
VM = [Process(2376, 900, 0, "vmwp.exe", owner="NT VIRTUAL MACHINE\\5A3B"), Process(2380, 2376, 0, "vmmem",
                                                                                owner="NT VIRTUAL MACHINE\\5A3B")]
OTHER = [Process(7000, 900, 0, "vmwp.exe", owner="NT VIRTUAL MACHINE\\77FF")]
SERVER = Container("1f8b", product="server", pid=3964)

small = st.integers(-2, 8)
words = st.sampled_from(["", "1", "2", "vmwp.exe", "vmmem", "VMMEM", "hyperv", "process", "default", "Hyperv",
                         "\\Container_1", "JobContainer_1", "Container_2", "NT VIRTUAL MACHINE\\1",
                         "\\"]) | st.text(max_size=3)
containers = st.builds(Container, words, words, words, st.sampled_from(["", "client", "server"]), st.booleans(), small,
                       st.lists(small, max_size=4).map(tuple), words)
listings = st.lists(st.builds(Process, small, small, small, words, words, words), max_size=8)
job_listings = st.lists(st.builds(Job, words, st.lists(small, max_size=4).map(tuple)), max_size=4)


def recognised(view: isolation.View) -> dict[int, str]:
    return {one.process.pid: one.how for one in view.seen}


@given(containers, listings, job_listings)
def test_any_listing_is_explained_and_nothing_is_made_up(container: Container, processes: list[Process],
                                                         jobs: list[Job]) -> None:
    view = visible(container, processes, jobs)
    assert all(one.process in processes for one in view.seen)
    assert len(recognised(view)) == len(view.seen)
    assert not set(view.hidden) & set(recognised(view)) or view.isolation == "hyperv"
    assert set(view.hidden) <= set(container.pids)
    assert view.statements
    assert all(one.because.text and one.because.confidence for one in view.seen)


@given(containers, listings, job_listings)
def test_nothing_of_another_containers_job_is_taken(container: Container, processes: list[Process],
                                                    jobs: list[Job]) -> None:
    alone = replace(container, pid=0, pids=())
    others = {pid for job in jobs if job.name.endswith("_2") for pid in job.members}
    view = visible(alone, processes, [job for job in jobs if job.name.endswith("_2")])
    assert not {one.process.pid for one in view.seen if one.how in ("parent", "session")} & others


@given(containers, listings, job_listings)
def test_with_hyperv_isolation_only_machines_are_seen(container: Container, processes: list[Process],
                                                      jobs: list[Job]) -> None:
    view = visible(replace(container, isolation="hyperv"), processes, jobs)
    assert view.job is None
    assert {one.how for one in view.seen} <= {"machine"}


@pytest.mark.parametrize(("asked", "daemon", "product", "is_"), [
    ("process", "hyperv", "client", "process"), ("hyperv", "process", "server", "hyperv"), ("Hyperv", "", "", "hyperv"),
    ("", "hyperv", "server", "hyperv"), ("default", "process", "client", "process"),
    ("DEFAULT", "", "client", "hyperv"),
    ("", "", "server", "process"), ("", "", "", ""), ("none", "", "server", "process"),
])
def test_the_containers_own_isolation_counts_then_the_daemons_then_that_of_windows(
        asked: str, daemon: str, product: Product, is_: str) -> None:
    found, why = isolation.effective(Container("1", asked, daemon, product))
    assert found == is_
    assert why.text


def test_a_silo_in_the_listing_names_every_process() -> None:
    view = visible(SERVER, HOST + INSIDE, [Job("\\Container_1f8b", tuple(one.pid for one in INSIDE))])
    assert view.isolation == "process"
    assert view.job == "\\Container_1f8b"
    assert recognised(view) == {one.pid: "job" for one in INSIDE}
    assert {one.because.confidence for one in view.seen} == {"code"}
    assert not [one for one in view.statements if one.confidence == "unproven"]


def test_without_it_the_first_process_and_its_session_do() -> None:
    view = visible(replace(SERVER, pids=(3964,)), HOST + INSIDE)
    assert recognised(view) == {3964: "number"} | {one.pid: "session" for one in INSIDE[:-1]}
    assert isolation.NO_JOB in view.statements
    assert [one.because.confidence for one in view.seen] == ["reported"] * 5 + ["documented"]


def test_children_are_found_in_whatever_session_and_theirs_too() -> None:
    more = [Process(4000, 3964, 0, "a"), Process(4001, 4000, 0, "b"), Process(4002, 4001, 1, "c")]
    view = visible(SERVER, HOST + INSIDE + more)
    assert {pid: how for pid, how in recognised(view).items() if pid >= 4000} == {
        4000: "parent", 4001: "parent", 4002: "parent"}
    assert 1000 not in recognised(view), "a child in somebody's session does not make the session the container's"


def test_a_child_that_another_container_has_is_not_taken_for_this_ones() -> None:
    child = Process(4000, 3964, 0, "a")
    assert recognised(visible(SERVER, [INSIDE[-1], child])) == {3964: "number", 4000: "parent"}
    listed = [Job("JobContainer_other", (4000,))]
    assert recognised(visible(SERVER, [INSIDE[-1], child], listed)) == {3964: "number"}


def test_a_container_that_does_not_run_has_no_process() -> None:
    assert recognised(visible(replace(SERVER, pid=0, pids=(0, -1)), [*HOST, Process(-1)])) == {}


def test_ancestors_that_go_in_a_circle_are_followed_once() -> None:
    circle = [Process(5001, 3964), Process(5002, 5001), Process(5001, 5002), Process(3964, 5002)]
    assert recognised(visible(SERVER, circle)) == {5001: "parent", 5002: "parent", 3964: "number"}


def test_the_guide_shows_what_comes_out() -> None:
    page = Path(__file__).parents[4] / "docs" / "guides" / "isolation.md"
    if not page.is_file():
        pytest.skip("the documentation is not here")
    block = page.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    *_, shown, said = block.strip().splitlines()
    names: dict[str, object] = {}
    exec(block.partition(shown)[0], names)
    assert repr(eval(shown, names)) == said.removeprefix("# ")


def test_the_services_session_is_nobodys() -> None:
    view = visible(replace(SERVER, pid=900), HOST)
    assert recognised(view) == {900: "number"}


def test_system_is_no_ancestor_of_a_container() -> None:
    assert recognised(visible(replace(SERVER, pid=4), HOST)) == {4: "number"}


def test_what_the_engine_lists_and_the_host_does_not_is_told() -> None:
    view = visible(replace(SERVER, pids=(3964, 5555, 5555)), HOST + INSIDE)
    assert view.hidden == (5555,)
    assert view.statements[-1] == isolation.GONE
    assert isolation.GONE not in visible(SERVER, HOST + INSIDE).statements


def test_a_host_process_container_has_an_ordinary_job_and_no_session() -> None:
    container = Container("9", product="server", host_process=True, pid=1000)
    view = visible(container, [*HOST, Process(1001, 1000, 1, "x"), Process(1002, 600, 1, "y")],
                   [Job("\\BaseNamedObjects\\JobContainer_9", (1000,))])
    assert view.job == "JobContainer_9"
    assert recognised(view) == {1000: "job", 1001: "parent"}
    assert view.seen[0].because == isolation.IN_HOST_JOB
    assert visible(replace(container, product="client"), HOST).isolation == "process"
    assert visible(replace(container, isolation="Hyperv"), HOST).isolation == "hyperv"


def test_of_a_hyperv_container_the_host_sees_the_machine() -> None:
    view = visible(replace(SERVER, isolation="hyperv", pids=(1732,)), HOST + VM)
    assert recognised(view) == {2376: "machine", 2380: "machine"}
    assert view.hidden == (1732,)
    assert {one.because for one in view.seen} == {isolation.ONLY_MACHINE}
    assert view.statements[-1] == isolation.INSIDE


def test_of_many_machines_the_guid_says_which() -> None:
    container = replace(SERVER, isolation="hyperv")
    many = visible(container, HOST + VM + OTHER)
    assert {one.because for one in many.seen} == {isolation.SOME_MACHINE}
    assert len(many.seen) == 3
    own = visible(replace(container, machine="{5a3b}"), HOST + VM + OTHER)
    assert recognised(own) == {2376: "machine", 2380: "machine"}
    assert {one.because for one in own.seen} == {isolation.ITS_MACHINE}
    assert len(visible(replace(container, machine="{0000}"), HOST + VM + OTHER).seen) == 3


def test_a_listed_silo_says_what_nobody_said() -> None:
    unknown = Container("1f8b")
    assert visible(unknown, HOST + INSIDE).isolation == ""
    assert visible(unknown, HOST + INSIDE, [Job("\\Container_1f8b", (3964,))]).isolation == "process"
    assert visible(Container(""), HOST, [Job("\\Container_", (900,))]).isolation == ""


def test_a_process_that_is_listed_twice_is_seen_once_as_it_stood_first() -> None:
    view = visible(SERVER, [INSIDE[-1], replace(INSIDE[-1], name="again")])
    assert [one.process.name for one in view.seen] == ["PING.EXE"]


def test_a_job_that_the_container_made_itself_does_not_hide_its_processes() -> None:
    own = replace(INSIDE[0], job="MyJob")
    assert recognised(visible(SERVER, [own, INSIDE[-1]])) == {3000: "session", 3964: "number"}
    other = replace(INSIDE[0], job="\\Container_ffff")
    assert recognised(visible(SERVER, [other, INSIDE[-1]])) == {3964: "number"}
