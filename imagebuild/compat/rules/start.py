# SPDX-License-Identifier: Apache-2.0
"""The third verdict: does Windows start it?

The Host Compute Service decides, and its source is closed: this is what Microsoft documents, what users report, and no
yes without one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from ...windows.facts.host import Product
from ...windows.releases import release
from ..verdict import Answer, Confidence, Reason, Verdict, worst
from .generations import LTSC
from .pair import Pair, advice, unlisted
from .particulars import BASELINES, CLIENT_PROCESS, EQUAL_REVISION, REGRESSIONS, STATEMENTS
from .tables import lookup


def start_verdict(found: Pair) -> Verdict:
    """Whether Windows starts a container of the image, in the isolation asked for."""
    refused = _preconditions(found)
    if refused is not None:
        return refused
    host, image = found.host_build, found.image_build
    if host is None:
        return Verdict("unknown", "none", (Reason("host-version-unknown"),))
    if image is None:
        if found.image.os_version or found.isolation == "hyperv":
            return Verdict("unknown", "none", (Reason("image-version-unknown", (found.image.os_version[:40],)),))
        return Verdict("maybe", "documented", (Reason("host-process"),))
    if image > host:
        return Verdict("no", "documented", (Reason("image-above-host", (image, host, advice(host))), *unlisted(found)))
    verdict = _hyperv(found, host, image) if found.isolation == "hyperv" else _process(found, host, image)
    return _with_reports(verdict, _reports(found, host, image))


def _preconditions(found: Pair) -> Verdict | None:
    """What stops every start: another system, another processor, a feature that is off."""
    if found.host.os != "windows" and found.host.os:
        return Verdict("no", "documented", (Reason("linux-engine"),))
    if found.image.os not in ("windows", ""):
        return Verdict("no", "documented", (Reason("linux-image", (found.image.os[:40],)),))
    theirs, mine = found.image.architecture, found.host.architecture or "amd64"
    if theirs and theirs != mine:
        return Verdict("no", "reported", (Reason("other-architecture", (theirs[:40], mine)),))
    if found.host.containers is False:
        return Verdict("no", "documented", (Reason("containers-off"),))
    if found.host_build is not None and found.image_build is not None and found.image_windows != found.host_windows:
        return Verdict("no", "inferred", (
            Reason("other-windows", ("{}.{}".format(*found.image_windows), "{}.{}".format(*found.host_windows))),))
    if found.isolation == "hyperv":
        if found.image.utility_vm is False:
            return Verdict("no", "code", (Reason("no-utility-vm"),))
        if found.host.hyperv is False:
            return Verdict("no", "documented", (Reason("hyperv-off"),))
    return None


def _hyperv(found: Pair, host: int, image: int) -> Verdict:
    """The image's own kernel is booted: any image that is not newer."""
    reasons = (Reason("utility-vm-older", (image, host)), *unlisted(found))
    if found.host.hyperv is None:
        return Verdict("likely", "documented", (*reasons, Reason("hyperv-unknown")))
    return Verdict("likely", "inferred", reasons) if len(reasons) > 1 else Verdict("yes", "documented", reasons)


def _process(found: Pair, host: int, image: int) -> Verdict:
    """The host's kernel is shared: what starts is what its interface promises."""
    unknown = unlisted(found)
    if image == host:
        reasons = (Reason("same-build", (host,)), *unknown, *_client(found, host))
        if unknown or (found.host.product == "client" and host < CLIENT_PROCESS):
            return Verdict("likely" if unknown else "maybe", "inferred", reasons)
        return Verdict("yes", "documented", reasons)
    if host >= LTSC[0] and image >= LTSC[0]:
        if image not in LTSC or unknown or not _promised(host, found.host.product, image):
            word = Reason("stable-interface", (image, host)) if image in LTSC else Reason("between-ltsc", (image, host))
            return Verdict("likely", "inferred", (word, *unknown, *_client(found, host)))
        return Verdict("yes", "documented", (Reason("stable-interface", (image, host)), *_client(found, host)))
    if found.core == image and host < LTSC[0]:
        return Verdict("likely", "reported", (Reason("same-core", (found.core, image, host)), *unknown,
                                              *_client(found, host)))
    return Verdict("no", "documented", (Reason("kernel-mismatch", (image, host, advice(host))), *unknown))


@lru_cache(4096)
def _promised(host: int, product: Product, image: int) -> bool:
    """Whether Microsoft writes that the host runs the image process-isolated."""
    if any((row.host_build, row.image_build) == (host, image) for row in STATEMENTS):
        return True
    known = release(host)
    sides: list[Product] = [product] if product else []
    if known is not None and not product:
        both: tuple[Product, ...] = ("server", "client")
        sides = [side for side in both if getattr(known, side)]
    return bool(sides) and all((rows := lookup(host, side, image)) and rows[0][1].process for side in sides)


def _client(found: Pair, host: int) -> Iterator[Reason]:
    if found.host.product == "client" and host >= CLIENT_PROCESS:
        yield Reason("client-licence")


def _reports(found: Pair, host: int, image: int) -> Iterator[tuple[Answer, Confidence, Reason]]:
    """What is known to go wrong with single revisions: the answer it leaves, how sure, the reason."""
    mine, theirs = found.host_revision, found.image_revision
    for row in REGRESSIONS:
        if (host, image) == (row.host_build, row.image_build) and (mine is None or mine >= row.first_revision):
            yield "maybe", "reported", Reason("regression", (f"{host}.{row.first_revision}", image, row.code),
                                              row.source)
    if found.isolation != "process" or host != image or mine is None or theirs is None:
        return
    base = BASELINES.get(host)
    if base is not None and (mine >= base.host) != (theirs >= base.image):
        yield "maybe", "documented", Reason("february-2020", (theirs, mine), base.source)
    if host == EQUAL_REVISION:
        if mine != theirs:
            yield "maybe", "documented", Reason("revision-differs", (theirs, mine))
    elif theirs > mine:
        yield "maybe", "reported", Reason("revision-above-host", (theirs, mine))


def _with_reports(verdict: Verdict, reports: Iterable[tuple[Answer, Confidence, Reason]]) -> Verdict:
    """The verdict with what was reported: it can only get worse, and the reason that decides comes first."""
    answer, confidence, reasons = verdict.answer, verdict.confidence, verdict.reasons
    for theirs, sure, reason in reports:
        if worst(answer, theirs) != answer:
            answer, confidence, reasons = theirs, sure, (reason, *reasons)
        else:
            reasons = (reasons[0], reason, *reasons[1:])
    return Verdict(answer, confidence, reasons)
