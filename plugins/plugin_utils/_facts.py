# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Windows versions, hosts and images as filters and tests are given them: texts, facts, an engine's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ...imagebuild.compat import ImageFacts, from_ansible, from_docker, from_machine, from_platform, from_text
from ...imagebuild.errors import WcowError, quoted
from ...imagebuild.oci import Platform
from ...imagebuild.windows import HostFacts, find_release, machine_json
from ._task import plain


def version_of(value: Any) -> str:
    """The Windows version of a text, an image or a host, ``10.0.BUILD`` with a revision where it is known.

    Raises AnsibleFilterError for what names none.
    """
    known = plain(value)
    if isinstance(known, int) and not isinstance(known, bool):
        known = str(known)
    if isinstance(known, str):
        text = known.strip()
        if text.count(".") in (2, 3) and all(part.isascii() and part.isdigit() for part in text.split(".")):
            return text
        tag = text.rpartition(":")[2].removeprefix("nanoserver-").removeprefix("windowsservercore-")
        found = find_release(tag) if tag.count(".") < 2 else None
        if found is None:
            raise AnsibleFilterError(
                f"{quoted(text)} names no Windows release: 10.0.20348, 20348, ltsc2022 and 21H2 do")
        return f"10.0.{found.build}"
    if isinstance(known, Mapping):
        if known.get("OsVersion"):
            return str(known["OsVersion"])
        version = host_of(known).version
        if version is not None:
            return str(version)
    raise AnsibleFilterError("no Windows version is there: give a version, a release, an image of image_info, or facts"
                             " of a host")


def host_of(value: Any) -> HostFacts:
    """A host from a version, Ansible's facts, ``host_info``'s document, or an engine's ``/info``."""
    known = plain(value)
    try:
        if isinstance(known, Mapping):
            if "OSVersion" in known or "OperatingSystem" in known:
                return from_docker(known)
            document = next((known[name] for name in ("wcow_machine", "machine") if name in known), known)
            if isinstance(document, Mapping) and "schema" in document:
                return from_machine(machine_json.from_document(document).facts)
            return from_ansible(known)
        return from_text(version_of(known))
    except WcowError as error:
        raise AnsibleFilterError(str(error)) from error


def image_of(value: Any) -> ImageFacts:
    """An image from a version or a document of ``image_info``."""
    known = plain(value)
    architecture = str(known.get("Architecture") or "amd64") if isinstance(known, Mapping) else "amd64"
    system = str(known.get("Os") or "windows") if isinstance(known, Mapping) else "windows"
    names = known.get("RepoTags") or [""] if isinstance(known, Mapping) else [""]
    version = version_of(known) if system == "windows" else ""
    return from_platform(Platform(os=system, architecture=architecture, os_version=version or None), name=str(names[0]))
