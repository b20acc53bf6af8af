# SPDX-License-Identifier: Apache-2.0
"""Hosts, images and engines for the tests of verdicts: any at all, and those people have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from imagebuild.compat.engine import Engine
from imagebuild.compat.image import ImageFacts
from imagebuild.compat.rules.generations import GENERATIONS
from imagebuild.windows.facts.host import EngineFacts, HostFacts, WindowsVersion
from imagebuild.windows.releases import RELEASES

BUILDS = [known.build for known in RELEASES]
builds = st.sampled_from(BUILDS) | st.integers(0, 99_999)
revisions = st.none() | st.integers(0, 9999)
isolations = st.sampled_from([None, "process", "hyperv"])
versions = st.builds(WindowsVersion, st.sampled_from([10, 10, 10, 6, 11]), st.sampled_from([0, 0, 0, 1]), builds,
                     revisions)
engines = st.builds(
    lambda kind, version, store, generation: Engine(kind, version, "containerd" if kind == "containerd" else store,
                                                    generation),
    st.sampled_from(["docker", "containerd"]),
    st.lists(st.integers(0, 31), max_size=3).map(tuple), st.sampled_from(["graphdriver", "containerd"]),
    st.none() | st.sampled_from(GENERATIONS))
hosts = st.builds(
    HostFacts, st.none() | versions, st.none() | builds, st.sampled_from(["", "server", "client"]),
    st.sampled_from(["windows", "windows", "windows", "linux", ""]), st.sampled_from(["", "amd64", "arm64"]), st.text(),
    st.sampled_from([None, True, False]), st.sampled_from([None, True, False]),
    st.none() | st.builds(EngineFacts, st.sampled_from(["docker", "containerd", "podman", ""]), st.text(),
                          st.sampled_from(["", "windows", "linux"]),
                          st.sampled_from(["", "graphdriver", "containerd"]), st.text()))
os_versions = versions.map(str) | st.text() | st.from_regex(r"[0-9]{1,7}(\.[0-9x]{0,12}){0,4}", fullmatch=True)
images = st.builds(ImageFacts, st.sampled_from(["windows", "windows", "linux", ""]) | st.text(),
                   st.sampled_from(["amd64", "amd64", "arm64", "", "386"]) | st.text(), os_versions,
                   st.lists(st.sampled_from(["win32k", "other"])).map(tuple), st.just(""),
                   st.sampled_from([None, True, False]), st.just("") | os_versions)


def host(version: str, **facts: Any) -> HostFacts:
    """A host by its version."""
    return HostFacts(WindowsVersion.parse(version), **facts)


def image(os_version: str, architecture: str = "amd64", **facts: Any) -> ImageFacts:
    """An image by its os.version."""
    return ImageFacts("windows", architecture, os_version, **facts)
