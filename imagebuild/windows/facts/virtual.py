# SPDX-License-Identifier: Apache-2.0
"""Whose virtual machine is this? Told from what the firmware says the computer is.

The names are those of SMBIOS (Win32_ComputerSystem Manufacturer and Model, ``/sys/class/dmi/id`` on Linux), as systemd
knows them (systemd/systemd ``src/basic/virt.c``). The asset tag by which Azure is told from Hyper-V: Azure/azure-linux
documentation and cloud-init ``cloudinit/sources/DataSourceAzure.py``.
"""

from __future__ import annotations

AZURE_ASSET = "7783-7084-3265-9085-8269-3286-77"

NAMES = {
    "hyperv": "Hyper-V", "azure": "Azure", "vmware": "VMware", "virtualbox": "VirtualBox", "kvm": "KVM or QEMU",
    "xen": "Xen", "aws": "Amazon EC2", "gce": "Google Compute Engine", "parallels": "Parallels",
}
"""Vendors of virtual machines that we know, and what people call them."""

_WORDS = (  # the first that stands in manufacturer or model
    ("vmware", "vmware"), ("innotek", "virtualbox"), ("virtualbox", "virtualbox"), ("parallels", "parallels"),
    ("amazon ec2", "aws"), ("google compute engine", "gce"), ("google", "gce"), ("xen", "xen"), ("qemu", "kvm"),
    ("kvm", "kvm"), ("openstack", "kvm"), ("rhev", "kvm"), ("ovirt", "kvm"), ("bochs", "kvm"),
    ("alibaba cloud ecs", "kvm"), ("digitalocean", "kvm"), ("vserver", "kvm"),
)


def vendor_of(manufacturer: str | None, model: str | None, asset: str | None = None) -> str | None:
    """The key in :data:`NAMES` of whose virtual machine it is, empty for a real computer, ``None`` when not known.

    Bare metal that a cloud rents out (``c5.metal``) is a real computer.
    """
    if not manufacturer and not model:
        return None
    text = f"{manufacturer or ''} / {model or ''}".lower()
    if "microsoft corporation" in text and "virtual machine" in text:
        return "azure" if asset == AZURE_ASSET else "hyperv"
    if ".metal" in text:
        return ""
    return next((vendor for word, vendor in _WORDS if word in text), "")
