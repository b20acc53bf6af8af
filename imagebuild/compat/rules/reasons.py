# SPDX-License-Identifier: Apache-2.0
"""The words of every reason: why a verdict is as it is, and what to do about it.

``{0}``, ``{1}`` … are the facts of the :class:`~..verdict.Reason`, in the order that is noted at each. Codes are
stable: scripts may rely on them. ``source`` is where the fact is from when the reason does not carry its own.
"""

from __future__ import annotations

from dataclasses import dataclass

_VD = "MicrosoftDocs/Virtualization-Documentation windowscontainers"
_MATRIX = f"{_VD}/deploy-containers/version-compatibility.md@b9fb379f"
_PULL = "moby/moby daemon/internal/distribution/pull_v2_windows.go@b985e231"


@dataclass(frozen=True, slots=True)
class Words:
    """The sentence, the remedy (empty: nothing to do), the source."""

    text: str
    remedy: str = ""
    source: str = ""


REASONS: dict[str, Words] = {
    # --- what is not known ------------------------------------------------------------------------------------------
    "host-version-unknown": Words(
        "nobody says which Windows the host runs", "name the build: 'ver' in a prompt on the host prints it"),
    "image-version-unknown": Words(  # what the image says
        "the image does not say which Windows it is made for (os.version {0!r})",
        "build it again from a base that does, or read the version in its SOFTWARE hive: wcow compat check --hives"),
    "unlisted-host": Words(  # build, day of the table
        "build {0} is not among the releases known on {1}, so that this goes by its number alone"),
    "unlisted-image": Words("no image of build {0} is among the releases known on {1}"),  # build, day of the table
    # --- machines and processors ------------------------------------------------------------------------------------
    "linux-engine": Words(
        "the engine runs Linux containers, and Windows images need the Windows kernel",
        "on Docker Desktop switch to Windows containers; else use an engine on a Windows host",
        f"{_VD}/about/containers-vs-vm.md@77e0742"),
    "linux-image": Words(  # os of the image
        "the image is for {0}, and this engine runs Windows containers only",
        "take an image for windows, or an engine in Linux mode",
        "moby/moby daemon/internal/distribution/config.go@b985e231"),
    "other-architecture": Words(  # of the image, of the host
        "the image is for {0}, the host is {1}, and Windows containers are not emulated",
        "take an image for {1}; for arm64 there are ltsc2025-arm64 images of nanoserver and servercore",
        "microsoft/Windows-Containers#224, microsoft/Windows-Containers#586"),
    "other-windows": Words(  # of the image, of the host
        "the image is for Windows {0}, the host runs {1}", "take an image with the host's major and minor version"),
    "containers-off": Words(
        "the Containers feature of the host is not enabled",
        "enable the feature Containers and reboot: Enable-WindowsOptionalFeature -Online -FeatureName Containers -All",
        f"{_VD}/deploy-containers/system-requirements.md@77e0742"),
    # --- what Microsoft supports ------------------------------------------------------------------------------------
    "supported": Words("Microsoft lists {0} images on {1} with {2} isolation as supported"),  # image, host, isolation
    "not-supported": Words(  # image, host, isolation
        "Microsoft lists {0} images on {1} with {2} isolation as not supported"),
    "stated": Words("Microsoft says that {1} runs {0} images"),  # image, host
    "not-listed": Words(  # image, host, isolation
        "Microsoft's tables have no row for {0} images on {1}; this is what their rule would say of {2} isolation", "",
        _MATRIX),
    "older-table": Words("the row is of {0}; today's table has none", "", _MATRIX),  # date
    "client-process-works": Words(
        "clients from build 17763 on do start process-isolated containers of their own build, for development and test",
        "", f"{_VD}/about/faq.yml@77e0742, MicrosoftDocs/Virtualization-Documentation#981"),
    "table-says-otherwise": Words(  # date
        "the table of {0} said the opposite", "", _MATRIX),
    # --- what engines take ------------------------------------------------------------------------------------------
    "engine-takes": Words("{0} takes builds {1} to {2} on this host (rule {3})"),  # engine, floor, host, generation
    "dockerd-takes": Words(  # engine, host build
        "{0} refuses only images above the host's build {1}; it does not look at lower ones", "", _PULL),
    "above-host": Words(  # image build, host build, tag that fits
        "the image is of build {0}, above the host's {1}",
        "take an image that is not newer than the host{2}, or update the host", _PULL),
    "below-floor": Words(  # engine, generation, floor, host build, image build
        "{0} (rule {1}) takes no image below build {2} on build {3}, and this one is {4}"),
    "other-build": Words(  # engine, image build, host build, tag that fits
        "{0} takes only images of the host's own build {2}, and this one is {1}", "take an image of that build{3}"),
    "floor-moved": Words(  # engine
        "its rule looks for the last LTSC below the host, which on Windows 11 25H2 and later is 2025 instead of 2022",
        "keep images in docker's own store (--store graphdriver), update to an engine with rule G3 "
        "(containerd/platforms v1.0.0-rc.5), or take an ltsc2025 image",
        "moby/moby#53397, containerd/platforms#34"),
    "no-os-version": Words(
        "the image has no os.version, which this engine takes for any host's (HostProcess images are so)", "",
        "containerd/containerd#7431"),
    "no-os-version-refused": Words(
        "the image has no os.version, and containerd up to 1.6.22 refuses that",
        "update containerd, or build the image with an os.version", "containerd/containerd#7431"),
    "engine-needs": Words(  # engine, lowest build, host build
        "{0} starts on build {1} and later only, and the host is {2}",
        "use Docker 20.10 or Mirantis Container Runtime there, or a newer Windows"),
    "client-process-refused": Words(  # engine
        "{0} starts no process-isolated container on a client like this",
        "add --isolation=hyperv, or use Docker 18.09.1 or later on Windows 10 1809 (17763) or later",
        "moby/moby#38000, moby/moby#38306"),
    "engine-assumed": Words("nobody said which engine; {0} is assumed"),  # engine
    "engine-rule-inferred": Words("{0} is newer than what was read; its rule is inferred"),  # engine
    # --- what Windows starts ----------------------------------------------------------------------------------------
    "same-build": Words("image and host are of the same build {0}", "", _MATRIX),  # build
    "stable-interface": Words(  # image build, host build
        "from build 20348 on the interface to the kernel is stable: build {1} starts images of {0}", "", _MATRIX),
    "between-ltsc": Words(  # image build, host build
        "build {0} lies between 20348 and the host's {1}, but is no release that images are promised for"),
    "kernel-mismatch": Words(  # image build, host build, tag that fits
        "with process isolation an image shares the host's kernel, and build {1} does not start {0} (0xc0370101)",
        "add --isolation=hyperv, or take an image that fits the host{2}", _MATRIX),
    "same-core": Words(  # core build, image build, host build
        "both have the kernel {0}: users report that {2} starts {1}, Microsoft does not support it", "add "
        "--isolation=hyperv to be on the safe side",
        "docker/for-win#5148, MicrosoftDocs/Virtualization-Documentation#1537, microsoft/navcontainerhelper#2745"),
    "image-above-host": Words(  # image build, host build, tag that fits
        "Windows starts no image of a newer build ({0}) than its own ({1}), in either isolation",
        "take an image that is not newer than the host{2}, or update the host", _MATRIX),
    "utility-vm-older": Words(  # image build, host build
        "Hyper-V isolation boots the image's own kernel, and {0} is not above the host's {1}", "",
        f"{_VD}/manage-containers/hyperv-container.md@77e0742"),
    "no-utility-vm": Words(
        "no layer of the image has UtilityVM, which Hyper-V isolation boots",
        "use process isolation, or build on nanoserver, servercore or server",
        "moby/moby daemon/internal/libcontainerd/local/local_windows.go@b985e231, "
        "microsoft/hcsshim internal/uvmfolder/locate.go@7c9ff7f"),
    "hyperv-off": Words(
        "Hyper-V does not run on the host",
        "enable Hyper-V and reboot (in a virtual machine, expose virtualisation to it first), or use process isolation "
        "with an image that fits", f"{_VD}/deploy-containers/system-requirements.md@77e0742"),
    "hyperv-unknown": Words("it needs Hyper-V, and nobody said whether the host has it",
                            "look with 'wcow doctor examine' on the host",
                            f"{_VD}/deploy-containers/system-requirements.md@77e0742"),
    "revision-above-host": Words(  # image revision, host revision
        "the image's revision {0} is above the host's {1}: users saw such pairs exit at once (0xc0370106)",
        "update the host to revision {0} or later, take an image of revision {1} or below, or --isolation=hyperv",
        "actions/runner-images#11582, microsoft/Windows-Containers#591"),
    "revision-differs": Words(  # image revision, host revision
        "Windows Server 2016 wants equal revisions, and these are {0} and {1}: the container might not start",
        "take the image of revision {1}, update the host, or --isolation=hyperv", _MATRIX),
    "february-2020": Words(  # image revision, host revision
        "image ({0}) and host ({1}) are on different sides of the security update of February 2020: 32-bit processes "
        "fail without a word (-1073741502)", "update both to after February 2020, or --isolation=hyperv"),
    "regression": Words(  # host version, image build, error code
        "users report that hosts like {0} do not start images of build {1} ({2})",
        "install later updates, or take an ltsc2022 image"),
    "client-licence": Words(
        "on clients process isolation is for development and test only", "",
        f"{_VD}/about/faq.yml@77e0742"),
    "host-process": Words(
        "an image without os.version is for HostProcess containers, which only containerd on Kubernetes starts", "",
        "kubernetes/enhancements#1981"),
    "ended": Words(  # name, what, date
        "support of {0} ({1}) ended on {2}", "move to a release that gets updates"),
}
