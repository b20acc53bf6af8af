# SPDX-License-Identifier: Apache-2.0
"""The names of containers' job objects, and the keys under which WMI lists job objects.

Windows keeps each container's processes in a job object. Whether WMI lists those of containers was never shown
(``docs/unproven.md``); how it spells the names of jobs that it does list, is documented.
"""

from __future__ import annotations

from ...windows.facts.host import Isolation

SILO_SOURCE = "microsoft/hcsshim internal/hcs/system.go (siloNameFmt, openSilo) @7c9ff7f"
HOST_PROCESS_SOURCE = "microsoft/hcsshim internal/jobcontainers/jobcontainer.go (jobContainerNameFmt) @7c9ff7f"
WMI_SOURCE = "https://learn.microsoft.com/previous-versions/windows/desktop/wmipjobobjprov/win32-namedjobobject"


def job_name(container: str, isolation: Isolation | str, *, host_process: bool = False) -> str | None:
    r"""The name of the job that holds a container's processes on its host; ``None`` when there is none.

    ``\Container_<id>`` is the server silo of a container with process isolation. It stands at the root of NT's object
    namespace, where ``OpenJobObject`` does not reach: it takes ``NtOpenJobObject``, as SYSTEM. ``JobContainer_<id>`` is
    the job of a HostProcess container, an ordinary named one. With Hyper-V isolation the processes are in a job of the
    utility VM's own Windows, and the host has none. An isolation that is not known has no name.
    """
    if not container:
        return None
    if host_process:
        return f"JobContainer_{container}"
    return f"\\Container_{container}" if isolation == "process" else None


def same_job(listed: str, name: str) -> bool:
    r"""Whether a listed name is that of a job, wherever in the namespace the listing begins (``\Container_1`` or
    ``Container_1``, ``\BaseNamedObjects\JobContainer_1``). Upper and lower case differ, as in the kernel."""
    return bool(name) and listed.rpartition("\\")[2] == name.rpartition("\\")[2]


def is_container_job(listed: str) -> bool:
    """Whether a listed name is one that containers' jobs have."""
    return listed.rpartition("\\")[2].startswith(("Container_", "JobContainer_"))


def encode_key(name: str) -> str:
    r"""A job's name as ``Win32_NamedJobObject.CollectionID`` spells it: a capital letter is a backslash and the small
    letter, for WMI's keys have no case. ``WmiJob`` is ``\wmi\job``.

    A backslash in the name is written twice. That is not documented; a job's name has none but in front of it.
    """
    return "".join("\\\\" if letter == "\\" else f"\\{letter.lower()}" if _is_capital(letter) else letter
                   for letter in name)


def decode_key(key: str) -> str:
    r"""The job's name that a ``CollectionID`` stands for: ``\a`` and ``\A`` are ``A``, ``a`` and ``A`` are ``a``.

    Any text has an answer: a backslash before something that has no capital is a backslash.
    """
    out: list[str] = []
    escaped = False
    for letter in key:
        if escaped:
            capital = letter.upper()
            out.append("\\" if letter == "\\" else capital if _is_capital(capital) else f"\\{letter}")
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            out.append(letter.lower() if _is_capital(letter) else letter)
    return "".join(out) + ("\\" if escaped else "")


def _is_capital(letter: str) -> bool:
    """A single letter that has one small letter, which has it as its capital (so no Kelvin sign, no dotted I)."""
    small = letter.lower()
    return len(letter) == len(small) == 1 and small != letter and small.upper() == letter
