# SPDX-License-Identifier: Apache-2.0
"""Facts of a host and an image, weighed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat.failures.catalogue import failures
from imagebuild.compat.image import ImageFacts
from imagebuild.doctor.evidence import FACTS, weigh
from imagebuild.windows.facts.host import EngineFacts, HostFacts, WindowsVersion

NOBODY = HostFacts(os="")


def host(version: str, **facts: object) -> HostFacts:
    return HostFacts(WindowsVersion.parse(version), **facts)  # type: ignore[arg-type]


def image(version: str) -> ImageFacts:
    return ImageFacts("windows", os_version=version)


def test_the_catalogue_names_these_facts_and_no_others() -> None:
    assert {name for entry in failures() for name in entry.when} == set(FACTS)
    assert weigh("no-such-fact", NOBODY, ImageFacts()) is None


@pytest.mark.parametrize("name", FACTS)
def test_nothing_known_says_nothing(name: str) -> None:
    assert weigh(name, NOBODY, ImageFacts()) is None


@given(st.text(max_size=20), st.sampled_from(sorted(FACTS)))
def test_any_text_may_stand_for_a_version(version: str, name: str) -> None:
    weigh(name, host("10.0.20348.1"), ImageFacts(os_version=version))


@pytest.mark.parametrize(("name", "on", "of", "so"), [
    ("image-build-above-host", host("10.0.17763"), image("10.0.20348.1"), True),
    ("image-build-above-host", host("10.0.17763"), image("10.0.17763.9"), False),
    ("build-refused", host("10.0.17763"), image("10.0.14393.1"), True),
    ("build-refused", host("10.0.22631"), image("10.0.20348.1"), False),
    ("build-refused", host("10.0.22631"), image("10.0.17763.1"), True),
    ("build-refused", host("10.0.20348"), image("10.0.26100.1"), True),
    ("revision-above-host", host("10.0.26100.2894"), image("10.0.26100.3194"), True),
    ("revision-above-host", host("10.0.26100.3194"), image("10.0.26100.3194"), False),
    ("revision-above-host", host("10.0.26100"), image("10.0.26100.3194"), None),
    ("revision-above-host", host("10.0.20348.9"), image("10.0.17763.99"), None),
    ("february-2020-between", host("10.0.17763.1039"), image("10.0.17763.973"), True),
    ("february-2020-between", host("10.0.17763.973"), image("10.0.17763.1040"), True),
    ("february-2020-between", host("10.0.17763.1039"), image("10.0.17763.1040"), False),
    ("february-2020-between", host("10.0.17763.973"), image("10.0.17763.864"), False),
    ("february-2020-between", host("10.0.20348.1"), image("10.0.20348.2"), False),
    ("february-2020-between", host("10.0.18362.1"), image("10.0.17763.2"), None),
    ("architectures-differ", host("10.0.26100", architecture="arm64"), ImageFacts(architecture="amd64"), True),
    ("architectures-differ", host("10.0.26100", architecture="arm64"), ImageFacts(architecture="arm64"), False),
    ("hyperv-off", host("10.0.1", hyperv=False), ImageFacts(), True),
    ("hyperv-off", host("10.0.1", hyperv=True), ImageFacts(), False),
    ("containers-off", host("10.0.1", containers=False), ImageFacts(), True),
    ("containers-off", host("10.0.1", containers=True), ImageFacts(), False),
    ("client-before-1809", host("10.0.17134", product="client"), ImageFacts(), True),
    ("client-before-1809", host("10.0.17134", product="server"), ImageFacts(), False),
    ("client-before-1809", host("10.0.17763"), ImageFacts(), False),
    ("client-before-1809", host("10.0.17134"), ImageFacts(), None),
    ("host-is-server", host("10.0.1", product="server"), ImageFacts(), True),
    ("host-is-server", host("10.0.1", product="client"), ImageFacts(), False),
    ("host-below-14393", host("10.0.10586"), ImageFacts(), True),
    ("host-below-14393", host("10.0.14393"), ImageFacts(), False),
    ("host-below-17763", host("10.0.14393"), ImageFacts(), True),
    ("host-below-17763", host("10.0.17763"), ImageFacts(), False),
    ("engine-is-linux", HostFacts(os="linux"), ImageFacts(), True),
    ("engine-is-linux", HostFacts(engine=EngineFacts(os="windows")), ImageFacts(), False),
    ("engine-is-linux", HostFacts(engine=EngineFacts(os="linux")), ImageFacts(), True),
    ("systems-differ", HostFacts(engine=EngineFacts(os="linux")), ImageFacts("windows"), True),
    ("systems-differ", HostFacts(engine=EngineFacts(os="windows")), ImageFacts("windows"), False),
    ("no-utility-vm", NOBODY, ImageFacts(utility_vm=False), True),
    ("no-utility-vm", NOBODY, ImageFacts(utility_vm=True), False),
])
def test_a_fact_is_so_or_not_so_or_not_known(name: str, on: HostFacts, of: ImageFacts, so: bool | None) -> None:
    found = weigh(name, on, of)
    assert (None if found is None else found.speaks_for) is so
    assert found is None or found.sentence


def test_another_architecture_decides_alone() -> None:
    arm = host("10.0.26100", architecture="arm64")
    found = weigh("architectures-differ", arm, ImageFacts(architecture="amd64"))
    assert found is not None
    assert found.decisive
    same = weigh("architectures-differ", arm, ImageFacts(architecture="arm64"))
    assert same is not None
    assert not same.decisive
