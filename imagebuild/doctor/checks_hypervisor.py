# SPDX-License-Identifier: Apache-2.0
"""Can it run Hyper-V isolation? Feature, processor, hypervisor, and what a virtual machine must be given."""

from __future__ import annotations

from ..windows.facts.machine import Guest, MachineFacts
from ..windows.facts.virtual import NAMES
from .check import Outcome, build_of, failed, gib, needs_hyperv, numbers, on_windows, passed, question, unknown, warned

_VD = "MicrosoftDocs/Virtualization-Documentation"
_NESTED = f"{_VD}:virtualization/hyper-v-on-windows/user-guide/nested-virtualization.md"
_PROCESS = 'or use process isolation ("exec-opts": ["isolation=process"] in daemon.json), for images of this build'
MEMORY = 4 << 30
PROCESSORS = 2
"""What a virtual machine needs to run others (Microsoft's page on nested virtualisation)."""
_CONFIGURATION = {"intel": (8, 0), "amd": (9, 3)}
"""The configuration version of a virtual machine from which its processor may be shown to it whole."""

EXPOSE = {
    "hyperv": "on the Hyper-V host, with the machine off: Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions "
              "$true; Intel: host Server 2016 or Windows 10 and configuration version 8.0 or later; AMD: host Server "
              "2022 "
              "or Windows 11 and 9.3 or later",
    "azure": "use a size with nested virtualisation (Dv3, Ev3 and later) and the security type Standard: Trusted "
             "Launch "
             "switches it off on many sizes",
    "vmware": "in the machine's processor settings choose 'Expose hardware assisted virtualization' (vhv.enable = "
              "\"TRUE\"), with the machine off",
    "virtualbox": "VirtualBox 6.1 and later can show VT-x or AMD-V to a guest (VBoxManage modifyvm NAME "
                  "--nested-hw-virt "
                  "on), but Hyper-V in it is reported not to start: use process isolation or another hypervisor",
    "kvm": "on the KVM host: kvm_intel or kvm_amd with nested=1, and the processor model host-passthrough",
    "aws": "use a metal instance size, or one whose family has nested virtualisation",
    "gce": "create the instance with nested virtualisation (--enable-nested-virtualization), on Intel",
    "xen": "Xen shows it to guests as an experiment only: use process isolation",
    "parallels": "switch on 'Enable nested virtualization' in the machine's processor settings (Pro edition, Intel)",
}
"""How each hypervisor shows the processor's virtualisation to a guest."""


@question("hyperv-feature", "Hyper-V feature", "Hyper-V isolation boots a small virtual machine for each container.",
          "docker/for-win#6427", "moby/moby#40792", "moby/moby:daemon/daemon_windows.go@b985e231")
def hyperv_feature(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    state = facts.feature("Microsoft-Hyper-V")
    if state is None and facts.host.hyperv:
        return passed("enabled")
    if state is None:
        return unknown("the state of the feature Microsoft-Hyper-V")
    if state == "enabled":
        return passed("enabled")
    if not needs_hyperv(facts):
        return passed(f"{state}: process isolation only, that is images of this build or what its kernel takes")
    how = "it needs Pro, Enterprise, Education or Server" if state == "absent" else \
        "Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All, then restart Windows"
    return failed(state, "the engine's default here is Hyper-V isolation: containers stop with 'No hypervisor is "
                         "present "
                         "on this system' (0xc0351000)", f"{how}; {_PROCESS}")


@question("processor", "Processor", "Hyper-V needs VT-x or AMD-V, switched on in the firmware, and second level "
                                    "address "
          "translation.", f"{_VD}:virtualization/hyper-v-on-windows/reference/hyper-v-requirements.md",
          "docker/for-win#1477")
def processor(facts: MachineFacts) -> Outcome | None:
    below = facts.hypervisor
    if not on_windows(facts) or below.guest:
        return None
    if below.present and below.guest is False:
        return passed("a hypervisor runs on it")
    tell = failed if needs_hyperv(facts) else warned
    if below.firmware is False and below.present is False:
        return tell("virtualisation is off in the firmware", "Hyper-V cannot start",
                    "switch on VT-x or AMD-V (SVM) in the firmware's settings")
    if below.slat is False and below.present is False:
        return tell("no second level address translation", "Hyper-V cannot start", "use a processor with EPT or RVI")
    if below.firmware and below.slat:
        return passed(" ".join(filter(None, [below.cpu, "with virtualisation and SLAT"])))
    return unknown("whether the processor can virtualise (VirtualizationFirmwareEnabled)")


@question("hypervisor", "Hypervisor", "The feature may be on and the hypervisor not running.", "moby/moby#27198",
          "docker/for-win#2710", "docker/for-win#851")
def hypervisor(facts: MachineFacts) -> Outcome | None:
    below = facts.hypervisor
    if not on_windows(facts) or facts.feature("Microsoft-Hyper-V") != "enabled":
        return None
    if below.guest is None:
        return unknown("whether this is a virtual machine")
    running = below.launched if below.guest else below.present
    if running is None:
        return unknown("whether Windows' own hypervisor runs", "look for event 2 of "
                                                               "Microsoft-Windows-Hyper-V-Hypervisor "
                       "in the System log since the last boot, or start a container with --isolation=hyperv")
    if running:
        return passed("runs")
    if below.launch_type == "off":
        return failed("does not run: hypervisorlaunchtype is off", "somebody switched it off, often for another "
                      "virtualisation program", "bcdedit /set hypervisorlaunchtype auto, then restart Windows")
    if below.guest:
        return failed("does not run", "this virtual machine is not shown the processor's virtualisation, or Windows "
                                      "was "
                      "not restarted", _expose(below.vendor))
    return failed("does not run", "virtualisation is off in the firmware, or Windows was not restarted since the "
                                  "feature "
                  "was enabled", "restart; then look at VT-x or AMD-V in the firmware, and 'bcdedit /set "
                  "hypervisorlaunchtype auto'")


@question("nesting", "Nested virtualisation", "In a virtual machine Hyper-V isolation needs a processor shown whole, "
          f"{PROCESSORS} processors and {MEMORY >> 30} GiB.", _NESTED, "docker/for-win#1133",
          "VirtualBox/virtualbox#270", "docker/for-win#8137",
          "MicrosoftDocs/azure-docs#47058")
def nesting(facts: MachineFacts) -> Outcome | None:
    below = facts.hypervisor
    if not on_windows(facts) or not below.guest:
        return None
    whose = f"a virtual machine of {NAMES.get(below.vendor or '', 'an unknown hypervisor')}"
    needed = needs_hyperv(facts)
    small = [text for text, little in ((f"{gib(below.memory or 0)} of memory", (below.memory or MEMORY) < MEMORY),
                                       (f"{below.processors} processor", (below.processors or PROCESSORS) < PROCESSORS))
             if little]
    if below.launched or below.firmware or below.monitor:
        if small:
            return (failed if needed else warned)(
                f"{whose} with {' and '.join(small)}", f"running others takes at least {MEMORY >> 30} GiB and "
                f"{PROCESSORS} processors", "give it more, with the machine off")
        return passed(f"{whose}, shown the processor's virtualisation")
    if below.firmware is None and below.monitor is None:
        return unknown("whether the processor's virtualisation is shown to it")
    if facts.feature("Microsoft-Hyper-V") == "enabled" and below.launched is None:
        return unknown("whether the processor's virtualisation is shown to it: the flags read false once Hyper-V runs",
                       "look for event 2 of Microsoft-Windows-Hyper-V-Hypervisor in the System log since the last boot")
    found = f"{whose} that is not shown the processor's virtualisation"
    if small:
        found += f", with {' and '.join(small)}"
    if not needed:
        return passed(f"{found}: process isolation only")
    return failed(found, "the engine's default here is Hyper-V isolation, which is a virtual machine in this one",
                  f"{_expose(below.vendor)}; {_PROCESS}")


@question("guests", "Virtual machines here", "Which machines on this Hyper-V host can run Hyper-V containers "
                                             "themselves.",
          _NESTED, f"{_VD}:hyperv-tools/Nested/Get-NestedVirtStatus.ps1")
def guests(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts) or not facts.hypervisor.guests:
        return None
    told, wrong = [], False
    for guest in facts.hypervisor.guests:
        lacks = _lacks(guest, facts)
        wrong |= bool(guest.nested) and bool(lacks)
        state = {True: "shown the processor", False: "not shown the processor", None: "not known"}[guest.nested]
        told.append(f"{guest.name}: {state}" + (f" ({', '.join(lacks)})" if lacks else ""))
    if not wrong:
        return passed("; ".join(told))
    return warned("; ".join(told), "a machine that is shown the processor lacks something else that nesting needs",
                  "with the machine off: Update-VMVersion, Set-VMMemory -DynamicMemoryEnabled $false, Set-VMProcessor "
                  "-Count 2")


def _lacks(guest: Guest, facts: MachineFacts) -> list[str]:
    """What a virtual machine on this host lacks to run others."""
    cpu, build = facts.hypervisor.cpu, build_of(facts)
    least, has = _CONFIGURATION.get(cpu or "", (0, 0)), numbers(guest.version or "")
    out = []
    if has is not None and has[:2] < least:
        out.append(f"configuration {guest.version}, needs {least[0]}.{least[1]}")
    if cpu == "amd" and build is not None and build < 20348:
        out.append("on AMD the host must be Server 2022 or Windows 11")
    if guest.memory is not None and guest.memory < MEMORY:
        out.append(gib(guest.memory))
    if guest.processors is not None and guest.processors < PROCESSORS:
        out.append("one processor")
    if guest.dynamic:
        out.append("dynamic memory")
    return out


def _expose(vendor: str | None) -> str:
    return EXPOSE.get(vendor or "", "let its hypervisor show VT-x or AMD-V to it")


QUESTIONS = (hyperv_feature, processor, hypervisor, nesting, guests)
