# SPDX-License-Identifier: Apache-2.0
"""Do the services run, and may this user talk to the engine?"""

from __future__ import annotations

from ..windows.facts.machine import MachineFacts, Pipe
from . import pipes
from .check import Outcome, failed, on_windows, passed, question, unknown, warned

_DAEMON = "moby/moby:daemon/daemon_windows.go@b985e231"
_FEATURE = "enable the feature Containers and restart Windows"
ENGINE_PIPE = "docker_engine"


def _needed(facts: MachineFacts, name: str, what: str, absent: str) -> Outcome | None:
    """A service that Windows starts when it is asked for: stopped is fine, disabled is not."""
    if not on_windows(facts):
        return None
    found = facts.service(name)
    if found is None:
        return unknown(f"the state of the service {name}")
    if found.state == "absent":
        return failed("not installed", f"{what} is missing: no engine starts", absent)
    if found.start == "disabled":
        return failed(f"{found.state}, and disabled", f"{what} cannot start",
                      f"Set-Service {name} -StartupType Manual; Start-Service {name}")
    if found.state == "running":
        return passed("running")
    return passed(f"{found.state}; it starts when needed")


@question("service-hns", "Service hns", "The Host Network Service makes the containers' networks.", _DAEMON,
          "docker/for-win#8226")
def hns(facts: MachineFacts) -> Outcome | None:
    return _needed(facts, "hns", "the Host Network Service", _FEATURE)


@question("service-vmcompute", "Service vmcompute", "The Host Compute Service starts containers and utility machines.",
          _DAEMON, "docker/for-win#1082")
def vmcompute(facts: MachineFacts) -> Outcome | None:
    return _needed(facts, "vmcompute", "the Host Compute Service", _FEATURE)


@question("service-vmms", "Service vmms", "With Hyper-V its management service must be able to run.",
          "docker/for-win#2105", "docker/for-win#6915")
def vmms(facts: MachineFacts) -> Outcome | None:
    if facts.feature("Microsoft-Hyper-V") != "enabled":
        return None
    return _needed(facts, "vmms", "Hyper-V's management service", "enable the feature Microsoft-Hyper-V whole "
                   "(-All), and restart Windows")


@question("service-sharedaccess", "Service SharedAccess", "NAT on clients goes through Internet Connection Sharing, "
                                                          "which "
          "some policies disable.", "MicrosoftDocs/Virtualization-Documentation:virtualization/api/hcn/Reference/"
          "HCNHResult.md", "MicrosoftDocs/Virtualization-Documentation#530")
def sharedaccess(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts) or facts.host.product != "client":
        return None
    found = facts.service("SharedAccess")
    if found is None:
        return unknown("the state of the service SharedAccess")
    if found.state == "absent" or found.start == "disabled":
        return warned("disabled" if found.start else "not installed", "networks of the type ics, as the default switch "
                      "is, cannot be made", "Set-Service SharedAccess -StartupType Manual; look for a policy that "
                      "disables it")
    return passed(found.state)


@question("service-engine", "Engine's service", "dockerd or containerd must run.", "docker/for-win#1922",
          "docker/for-win#4615")
def engine_service(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    docker, containerd = facts.service("docker"), facts.service("containerd")
    known = [one for one in (docker, containerd) if one is not None]
    running = [one.name for one in known if one.state == "running"]
    if running:
        return passed(f"{' and '.join(running)}: running")
    if not known:
        return unknown("the state of the services docker and containerd")
    if facts.daemon.desktop:
        return passed("Docker Desktop starts its engine itself")
    installed = [one for one in known if one.state != "absent"]
    if not installed:
        return failed("none is installed", "nothing here starts containers", "install dockerd or containerd")
    one = installed[0]
    start = f"Start-Service {one.name}; if it stops again, the Application log (source {one.name}) says why"
    if one.start == "disabled":
        start = f"Set-Service {one.name} -StartupType Automatic; Start-Service {one.name}"
    return failed(f"{one.name}: {one.state}" + (", and disabled" if one.start == "disabled" else ""),
                  "clients say 'open //./pipe/docker_engine: The system cannot find the file specified'", start)


def _pipe(facts: MachineFacts) -> Pipe | None:
    return next((one for one in facts.pipes or () if one.name.casefold() == ENGINE_PIPE), None)


def _only_containerd(facts: MachineFacts) -> bool:
    docker = facts.service("docker")
    return docker is not None and docker.state == "absent" and not facts.daemon.desktop


@question("pipe", "Engine's pipe", "Clients talk to dockerd over \\\\.\\pipe\\docker_engine.", "docker/for-win#5170",
          "moby/moby:client/request.go@b985e231")
def pipe(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts) or _only_containerd(facts):
        return None
    found = _pipe(facts)
    if found is None or found.exists is None:
        return unknown(f"whether the pipe {ENGINE_PIPE} is there")
    if found.exists:
        return passed("there")
    docker = facts.service("docker")
    if docker is not None and docker.state == "running":
        return failed("not there, though the service runs", "dockerd listens elsewhere, or is still starting",
                      "look at 'hosts' in daemon.json and at -H in the service's command line; clients need the same "
                      "address in DOCKER_HOST or their context")
    return failed("not there", "no dockerd listens, and clients say 'open //./pipe/docker_engine: The system cannot "
                               "find "
                               "the file specified'", "start the engine (see its service), or Docker Desktop")


@question("pipe-access", "Access to the pipe", "Whoever may open the pipe is administrator of the host; whoever may "
                                               "not "
          "cannot use docker.", "docker/for-win#5683", "moby/moby:daemon/listeners/listeners_windows.go")
def pipe_access(facts: MachineFacts) -> Outcome | None:
    found = _pipe(facts)
    if not on_windows(facts) or found is None or not found.exists:
        return None
    doormen = pipes.read(found.sddl) if found.sddl else None
    if doormen is None:
        return unknown("the pipe's access control list" + (", which cannot be read" if found.sddl else ""))
    may = ", ".join(doormen.may) or "nobody"
    if doormen.everybody:
        return warned(f"open to {may}", "whoever may use the engine is administrator of this machine",
                      'name one group in daemon.json ("group": "docker-users"), and restart the engine')
    if facts.token.user is None and facts.token.groups is None:
        return unknown(f"who asked; the pipe is open to {may}")
    mine = pipes.sids_of(((facts.token.user,) if facts.token.user else ()) + (facts.token.groups or ()))
    if doormen.admits(mine):
        return passed(f"this user may open it, as may {may}")
    return failed(f"this user may not open it; {may} may", "clients say 'permission denied while trying to connect', "
                                                           "older "
                  "ones 'The system cannot find the file specified' or 'Access is denied'",
                  "run elevated, or join the group that daemon.json names (docker-users with Docker Desktop) and log "
                  "on "
                  "again")


QUESTIONS = (hns, vmcompute, vmms, sharedaccess, engine_service, pipe, pipe_access)
