# SPDX-License-Identifier: Apache-2.0
"""Which of a container's processes its host can see, and why not the others.

Everything here is decided from values that somebody else read: what the engine says of a container, a listing of the
host's processes, a listing of its named jobs. Nothing raises, whatever stands in them. Each answer says how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...windows.facts.host import Isolation, Product
from .job_names import HOST_PROCESS_SOURCE, SILO_SOURCE, is_container_job, job_name, same_job

Confidence = Literal["code", "documented", "reported", "inferred", "unproven"]
"""Read in source; Microsoft or the vendor writes it; somebody saw it; concluded here; nobody has shown it."""

How = Literal["job", "number", "parent", "session", "machine"]
"""By what a process was recognised: its job, its number in the container, its ancestors, its session, or as the
virtual machine around the container."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence without a full stop, how sure it is, and where it is from."""

    text: str
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True)
class Container:
    """A container as its engine tells of it.

    ``isolation`` is ``HostConfig.Isolation`` and ``daemon`` the daemon's default (``Isolation`` of ``docker info``),
    both as they are. ``pid`` is ``State.Pid`` (0: not running), ``pids`` what ``docker top`` lists. ``machine`` is the
    GUID of its utility VM, where somebody asked HCS for it.
    """

    id: str
    isolation: str = ""
    daemon: str = ""
    product: Product = ""
    host_process: bool = False
    pid: int = 0
    pids: tuple[int, ...] = ()
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the host: ``session`` is its session's number there, ``job`` the name of its job and ``owner`` its
    account (``NT VIRTUAL MACHINE\\<GUID>``), where somebody found out."""

    pid: int
    parent: int = 0
    session: int = 0
    name: str = ""
    job: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A named job object and the numbers of its processes."""

    name: str
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A process of the host that belongs to a container (or is the machine around it), and what says so."""

    process: Process
    how: How
    because: Statement


@dataclass(frozen=True, slots=True)
class View:
    """What a host sees of a container: its effective ``isolation`` (empty: not known), the name of its ``job`` there,
    the processes that are ``seen`` in the order of the listing, the numbers that only the container knows (``hidden``),
    and ``statements`` that explain it."""

    isolation: Isolation | Literal[""]
    job: str | None
    seen: tuple[Seen, ...]
    hidden: tuple[int, ...]
    statements: tuple[Statement, ...]


_ISOLATION_PAGE = "https://learn.microsoft.com/virtualization/windowscontainers/manage-containers/hyperv-container"
_VMMEM = "microsoft/hcsshim internal/uvm/stats.go (lookupVMMEM) @7c9ff7f"
_ASKED = Statement("the container was started with this isolation", "documented", _ISOLATION_PAGE)
_TOLD = Statement("the daemon's default counts, for the container asked for none", "code",
                  "moby/moby daemon/daemon_windows.go")
_CLIENT = Statement("a client's default is Hyper-V isolation", "documented", _ISOLATION_PAGE)
_SERVER = Statement("a server's default is process isolation", "documented", _ISOLATION_PAGE)
_UNKNOWN = Statement("nobody said which isolation the container has", "inferred", "")
_HAS_SILO = Statement("its silo is among the host's jobs, which only process isolation makes", "inferred", SILO_SOURCE)

IN_JOB = Statement("it is in the container's job", "code", SILO_SOURCE)
IN_HOST_JOB = Statement("it is in the container's job", "code", HOST_PROCESS_SOURCE)
IN_TOP = Statement("it has one number in the container and on the host", "documented", _ISOLATION_PAGE)
FIRST = Statement("the engine names it as the container's first process", "documented",
                  "https://docs.docker.com/reference/api/engine/ (State.Pid)")
CHILD = Statement("a process of the container started it (numbers are given out anew: it may be chance)", "inferred",
                  "Win32_Process.ParentProcessId")
SESSION = Statement("it is in a session with processes of the container, and each container has its own", "reported",
                    "microsoft/Windows-Containers#254")
ITS_MACHINE = Statement("it runs under the account of the container's utility VM", "code", _VMMEM)
ONLY_MACHINE = Statement("it is the only utility VM there is", "inferred", _ISOLATION_PAGE)
SOME_MACHINE = Statement("it is a virtual machine; which container's was not found out", "unproven", _ISOLATION_PAGE)

INSIDE = Statement("its processes run under the utility VM's own kernel: the host sees the machine, never them, and "
                   "their numbers are the machine's", "documented", _ISOLATION_PAGE)
SHARED = Statement("its processes are the host's own, under one kernel", "documented", _ISOLATION_PAGE)
ON_HOST = Statement("its processes are the host's own, with no wall between", "documented",
                    "https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/")
NO_JOB = Statement("its job was not in the listing; whether WMI ever lists a silo was not shown", "unproven",
                   "Win32_NamedJobObject")
GONE = Statement("a process that only the container lists has ended, or the listing was made without the rights to see "
                 "it", "inferred", "")


def effective(container: Container) -> tuple[Isolation | Literal[""], Statement]:
    """The isolation that a container has, and why: its own, else the daemon's default, else that of the Windows.

    Spelt as the engine does it, in whatever case; ``default`` is nothing, and so is what no engine knows.
    """
    for text, statement in ((container.isolation, _ASKED), (container.daemon, _TOLD)):
        match text.lower():
            case "process":
                return "process", statement
            case "hyperv":
                return "hyperv", statement
    match container.product:
        case "client":
            return "hyperv", _CLIENT
        case "server":
            return "process", _SERVER
    return "", _UNKNOWN


def visible(container: Container, processes: Sequence[Process], jobs: Iterable[Job] = ()) -> View:
    """What the host sees of a container in these listings. The surest reason counts: a process that is in the job and
    in the session was recognised by the job. What is in another container's job is never taken for this one's.

    A HostProcess container counts as one with process isolation unless Hyper-V isolation was asked for, which hcsshim
    has since May 2026 (microsoft/hcsshim#2531).
    """
    isolation, why = effective(container)
    jobs = tuple(jobs)
    if container.host_process and container.isolation.lower() != "hyperv":
        return _among_processes(container, "process", (ON_HOST,), processes, jobs)
    silo = job_name(container.id, "process")
    if not isolation and any(same_job(job.name, silo or "") for job in jobs):
        isolation, why = "process", _HAS_SILO
    if isolation == "process":
        return _among_processes(container, isolation, (why, SHARED), processes, jobs)
    if isolation == "hyperv":
        return View(isolation, None, _machines(container, processes), _numbers(container.pids), (why, INSIDE))
    return View("", None, (), _numbers(container.pids), (why,))


def _among_processes(container: Container, isolation: Isolation, statements: tuple[Statement, ...],
                     processes: Sequence[Process], jobs: tuple[Job, ...]) -> View:
    name = job_name(container.id, isolation, host_process=container.host_process)
    found: dict[int, tuple[How, Statement]] = {}

    def add(pids: Iterable[int], how: How, because: Statement) -> None:
        for pid in pids:
            if pid > 0:
                found.setdefault(pid, (how, because))

    told = [(job.name, pid) for job in jobs for pid in job.members] + [(one.job, one.pid) for one in processes]
    of_job = [pid for job, pid in told if same_job(job, name or "")]
    others = {pid for job, pid in told if is_container_job(job)} - set(of_job)
    add(of_job, "job", IN_HOST_JOB if container.host_process else IN_JOB)
    add([container.pid], "number", FIRST)
    add(container.pids, "number", IN_TOP)
    sure = set(found)
    add(_descendants(sure, processes) - others, "parent", CHILD)
    if not container.host_process:  # those run in sessions of the host
        sessions = {process.session for process in processes if process.pid in sure and process.session > 0}
        add((process.pid for process in processes if process.session in sessions and process.pid not in others),
            "session", SESSION)
    seen = tuple(Seen(process, *found[process.pid]) for process in _once(processes) if process.pid in found)
    hidden = tuple(pid for pid in _numbers(container.pids) if pid not in {one.process.pid for one in seen})
    if not of_job:
        statements = (*statements, NO_JOB)
    return View(isolation, name, seen, hidden, (*statements, GONE) if hidden else statements)


def _descendants(roots: set[int], processes: Sequence[Process]) -> set[int]:
    """All that was started by a process or by what it started; System and Idle start nothing of a container."""
    children: dict[int, list[int]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process.pid)
    reached: set[int] = set()
    waiting = [root for root in roots if root > 4]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in reached and child not in roots:
                reached.add(child)
                waiting.append(child)
    return reached


def _machines(container: Container, processes: Sequence[Process]) -> tuple[Seen, ...]:
    """The processes that are virtual machines: the container's own where its GUID is known, else all of them."""
    found = [process for process in _once(processes)
             if process.name.lower().removesuffix(".exe") in ("vmwp", "vmmem")]
    guid = container.machine.strip("{}").lower()
    own = [process for process in found if guid and process.owner.lower().rpartition("\\")[2].strip("{}") == guid]
    if own:
        return tuple(Seen(process, "machine", ITS_MACHINE) for process in own)
    workers = sum(process.name.lower().startswith("vmwp") for process in found)
    return tuple(Seen(process, "machine", ONLY_MACHINE if workers == 1 else SOME_MACHINE) for process in found)


def _once(processes: Sequence[Process]) -> Iterable[Process]:
    first: dict[int, Process] = {}
    for process in processes:
        first.setdefault(process.pid, process)
    return first.values()


def _numbers(pids: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(pids))
