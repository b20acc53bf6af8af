# SPDX-License-Identifier: Apache-2.0
"""The second verdict: does the engine take it?

What dockerd or containerd compare when they pull, load or create: read in their sources, by version and store.
"""

from __future__ import annotations

from ..engine import NEWEST_DOCKER, Since
from ..verdict import Confidence, Reason, Verdict
from .generations import LTSC, floor, matches
from .pair import Pair, advice, fitting
from .particulars import CLIENT_CHECK_GONE, CLIENT_PROCESS, CLIENT_PROCESS_ENGINE


def engine_verdict(found: Pair) -> Verdict:
    """Whether the engine pulls the image and creates a container of it in the isolation asked for."""
    host, engine = found.host, found.engine
    notes = (Reason("engine-assumed", (engine.name,)),) if engine.assumed else ()
    if host.os != "windows" or (host.engine is not None and host.engine.os == "linux"):
        return Verdict("no", "code", (Reason("linux-engine"),)) if host.os or host.engine else \
            Verdict("unknown", "none", (Reason("host-version-unknown"),))
    if found.image.os not in ("windows", ""):
        return Verdict("no", "code", (Reason("linux-image", (found.image.os[:40],)), *notes))
    if found.host_build is None:
        return Verdict("unknown", "none", (Reason("host-version-unknown"), *notes))
    refused = _host(found, found.host_build)
    if refused is not None:
        return Verdict("no", "code", (refused, *notes))
    rule = engine.rule()
    if rule.algorithm == "dockerd-graphdriver":
        return _dockerd(found, found.host_build, notes)
    return _containerd(found, found.host_build, rule, notes)


def _host(found: Pair, build: int) -> Reason | None:
    """Why an engine does not start on the host at all, or not in this isolation."""
    lowest, source = found.engine.lowest_host()
    if build < lowest:
        return Reason("engine-needs", (found.engine.name, lowest, build), source)
    version = found.engine.version or NEWEST_DOCKER
    if found.engine.kind == "docker" and found.isolation == "process" and found.host.product == "client" and (
            version < CLIENT_PROCESS_ENGINE or (build < CLIENT_PROCESS and version < CLIENT_CHECK_GONE)):
        return Reason("client-process-refused", (found.engine.name,))
    return None


def _dockerd(found: Pair, host: int, notes: tuple[Reason, ...]) -> Verdict:
    """dockerd's own store: only the third number of ``os.version`` is looked at, in either isolation."""
    image = found.image_build
    if image is None:
        return Verdict("yes", "code", (Reason("no-os-version"), *notes))
    if image > host:
        return Verdict("no", "code", (Reason("above-host", (image, host, advice(host))), *notes))
    return Verdict("yes", "code", (Reason("dockerd-takes", (found.engine.name, host)), *notes))


def _containerd(found: Pair, host: int, rule: Since, notes: tuple[Reason, ...]) -> Verdict:
    """containerd's matcher, whatever the isolation (containerd/containerd#8348)."""
    confidence: Confidence = rule.confidence
    if confidence == "inferred":
        notes = (*notes, Reason("engine-rule-inferred", (found.engine.name,)))
    if _differ(found.image.architecture, found.host.architecture):
        return Verdict("no", "code", (_architecture(found), *notes))
    text = found.image.os_version
    if not text:
        word = "no-os-version" if rule.empty else "no-os-version-refused"
        return Verdict("yes" if rule.empty and confidence == "code" else "likely" if rule.empty else "no", confidence,
                       (Reason(word), *notes))
    windows = "{}.{}".format(*found.host_windows)
    if matches(rule.generation, f"{windows}.{host}", text, empty=rule.empty):
        lowest = floor(rule.generation, host)
        return Verdict("yes" if confidence == "code" else "likely", confidence, (
            Reason("engine-takes", (found.engine.name, lowest, host, rule.generation), rule.source), *notes))
    return Verdict("no", confidence, (*_refusal(found, host, rule), *notes))


def _refusal(found: Pair, host: int, rule: Since) -> tuple[Reason, ...]:
    image, engine = found.image_build, found.engine.name
    if image is None:
        return (Reason("image-version-unknown", (found.image.os_version[:40],)),)
    if found.image_windows != found.host_windows:
        return (Reason("other-windows", ("{}.{}".format(*found.image_windows), "{}.{}".format(*found.host_windows))),)
    if image > host:
        return (Reason("above-host", (image, host, advice(host)), rule.source),)
    lowest = floor(rule.generation, host)
    if lowest == host:
        return (Reason("other-build", (engine, image, host, advice(host) if _same(host) else ""), rule.source),)
    reasons = [Reason("below-floor", (engine, rule.generation, lowest, host, image), rule.source)]
    if rule.generation == "G2" and host > LTSC[-1] and image >= LTSC[-2]:
        reasons.append(Reason("floor-moved"))
    return tuple(reasons)


def _same(host: int) -> bool:
    found = fitting(host)
    return found is not None and found.build == host


def _differ(image: str, host: str) -> bool:
    return bool(image) and image != (host or "amd64")


def _architecture(found: Pair) -> Reason:
    return Reason("other-architecture", (found.image.architecture[:40], found.host.architecture or "amd64"))
