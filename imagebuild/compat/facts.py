# SPDX-License-Identifier: Apache-2.0
"""Reports and picks as plain values for JSON. Names are stable; what is not known is ``null`` or an empty text."""

from __future__ import annotations

from typing import Any

from ..windows.facts.host import HostFacts
from .engine import Engine
from .image import ImageFacts
from .picks import Pick
from .report import Report
from .verdict import Reason, Verdict


def report_facts(report: Report) -> dict[str, Any]:
    """A report, the three verdicts with their reasons."""
    return {
        "runs": report.runs, "summary": report.summary, "isolation": report.isolation,
        "host": host_facts(report.pair.host), "image": image_facts(report.pair.image),
        "engine": engine_facts(report.pair.engine),
        "verdicts": {"support": _verdict(report.support), "engine": _verdict(report.engine),
                     "start": _verdict(report.start)},
        "remedies": list(report.remedies), "warnings": [_reason(reason) for reason in report.warnings],
    }


def pick_facts(found: Pick) -> dict[str, Any]:
    """A pick: the place taken, those passed over and why, and the report on the one taken."""
    return {
        "engine": engine_facts(found.engine), "place": found.place, "error": found.error, "better": found.better,
        "passed": [{"place": item.place, "why": item.why} for item in found.passed],
        "report": report_facts(found.report) if found.report else None,
    }


def host_facts(host: HostFacts) -> dict[str, Any]:
    """A host, as far as verdicts ask."""
    return {"version": str(host.version) if host.version else None, "core": host.core, "product": host.product,
            "os": host.os, "architecture": host.architecture, "hyperv": host.hyperv, "containers": host.containers,
            "name": host.name, "source": host.source}


def image_facts(image: ImageFacts) -> dict[str, Any]:
    """An image, as far as verdicts ask."""
    return {"name": image.name, "os": image.os, "architecture": image.architecture, "os.version": image.os_version,
            "os.features": list(image.os_features), "utility_vm": image.utility_vm,
            "hive_version": image.hive_version}


def engine_facts(engine: Engine) -> dict[str, Any]:
    """An engine with its rule."""
    rule = engine.rule()
    return {"name": engine.name, "kind": engine.kind, "version": ".".join(map(str, engine.version)),
            "store": engine.store, "algorithm": rule.algorithm, "source": rule.source, "assumed": engine.assumed,
            "rule": "build" if rule.algorithm == "dockerd-graphdriver" else rule.generation}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"answer": verdict.answer, "confidence": verdict.confidence,
            "reasons": [_reason(reason) for reason in verdict.reasons]}


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "text": reason.text, "remedy": reason.remedy, "source": reason.sources}
