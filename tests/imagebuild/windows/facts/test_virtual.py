# SPDX-License-Identifier: Apache-2.0
"""Whose virtual machine a computer says it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows.facts.machine import HypervisorFacts
from imagebuild.windows.facts.virtual import AZURE_ASSET, NAMES, vendor_of


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_any_firmware_gives_a_known_vendor_a_real_computer_or_nothing(
        manufacturer: str | None, model: str | None, asset: str | None) -> None:
    assert vendor_of(manufacturer, model, asset) in {None, "", *NAMES}


@pytest.mark.parametrize(("manufacturer", "model", "vendor"), [
    ("Microsoft Corporation", "Virtual Machine", "hyperv"), ("Microsoft Corporation", "Surface Pro 9", ""),
    ("VMware, Inc.", "VMware Virtual Platform", "vmware"), ("innotek GmbH", "VirtualBox", "virtualbox"),
    ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "kvm"), ("Red Hat", "KVM", "kvm"), ("Xen", "HVM domU", "xen"),
    ("Amazon EC2", "t3.large", "aws"), ("Amazon EC2", "c5.metal", ""), ("Google", "Google Compute Engine", "gce"),
    ("Parallels International GmbH.", "Parallels Virtual Platform", "parallels"), ("Dell Inc.", "PowerEdge R740", ""),
    ("", "", None), (None, None, None), (None, "VirtualBox", "virtualbox"),
])
def test_a_computer_is_told_by_its_names(manufacturer: str | None, model: str | None, vendor: str | None) -> None:
    assert vendor_of(manufacturer, model) == vendor


def test_azure_is_told_from_hyperv_by_its_asset_tag() -> None:
    assert vendor_of("Microsoft Corporation", "Virtual Machine", AZURE_ASSET) == "azure"
    assert vendor_of("Dell Inc.", "R740", AZURE_ASSET) == ""


@pytest.mark.parametrize(("facts", "guest"), [
    (HypervisorFacts(), None), (HypervisorFacts(model="VirtualBox"), True), (HypervisorFacts(model="Rack"), False),
    (HypervisorFacts(is_vm=True), True), (HypervisorFacts(is_vm=True, model="Rack"), True),
    (HypervisorFacts(is_vm=False, model="VirtualBox"), False),
])
def test_what_the_system_says_itself_wins_over_the_firmware(facts: HypervisorFacts, guest: bool | None) -> None:
    assert facts.guest is guest
