# SPDX-License-Identifier: Apache-2.0
"""Whether the images that a build found are for the platform that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...errors import DockerfileError, WcowError
from ...events import Event, Warn
from ...images.library import Found
from ...oci import Platform
from ..plan.plan import Plan, PlannedStage, Wanted


def check_versions(plan: Plan, found: Mapping[Wanted, Found], wanted: str) -> None:
    """Refuse a base that is for another Windows than ``wanted`` (empty: any), where the image stands on it. What a
    FROM --platform asks for in vain is a warning, as with docker. DockerfileError."""
    shipped = plan.shipped()
    for stage in plan.stages:
        if stage.index not in shipped or not isinstance(stage.base, Wanted):
            continue
        asked, got = stage.base.platform, found[stage.base].image.config.platform
        if wanted and asked.os_version == wanted and asked.os == got.os and _other_version(asked, got):
            raise planned_error(stage, f"cannot build for Windows {asked.os_version}",
                                f"{stage.base.name} is for {got.os_version}, and its name leads to no other image",
                                f"--os-version {got.os_version}, or another base")


def other_platform(wanted: Wanted, found: Found) -> Iterator[Event]:
    """A name that leads to one image gives that image, whatever platform was asked for: say so when it is another."""
    asked, got = wanted.platform, found.image.config.platform
    # A Linux image lends files without a word in its FROM; a Windows base that is asked for as Linux is a slip.
    if (asked.os, got.os) == ("linux", "windows") or (
            asked.os == got.os and (asked.architecture != got.architecture or _other_version(asked, got))):
        yield Warn(f"{wanted.name} is for {got}, not for {asked} as asked; there is no other image under this name",
                   code="other-platform")


def _other_version(asked: Platform, got: Platform) -> bool:
    """Whether an image says that it is for another Windows version than the one asked for, if one was."""
    version = asked.os_version.split(".") if asked.os_version else []
    return bool(got.os_version) and got.os_version.split(".")[:len(version)] != version


def planned_error(planned: PlannedStage, what: str, why: str, hint: str) -> WcowError:
    """An error about a whole stage, at its FROM."""
    place = planned.place
    return DockerfileError(what, file=place.file, line=place.line, instruction="FROM", why=why, hint=hint)
