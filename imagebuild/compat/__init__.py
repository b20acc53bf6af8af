# SPDX-License-Identifier: Apache-2.0
"""Does this image run on that host, and what does an engine take from an index? Pure: no IO, and verdicts never raise.

:func:`check` gives three verdicts of one image on one host, :func:`pick` what an engine takes from an index and whether
that runs, :func:`matrix` every host by every image. Hosts come from :mod:`.hosts.hosts` (typed, or programs' JSON),
images from :mod:`.documents` and :mod:`.image`, engines from :func:`parse_engine`; failures that people meet are in
:mod:`.failures.catalogue`. Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .documents import Subject, subject_of
    from .engine import Engine, engine_of, parse_engine
    from .grid import Matrix, matrix
    from .hosts.hosts import (
        detect,
        from_ansible,
        from_cim,
        from_docker,
        from_machine,
        from_node,
        from_registry,
        from_text,
    )
    from .image import ImageFacts, from_image, from_platform
    from .picks import Pick, pick
    from .report import Report, check
    from .verdict import Reason, Verdict

_HOME = {
    "Report": "report", "check": "report", "Subject": "documents", "subject_of": "documents", "Engine": "engine",
    "engine_of": "engine", "parse_engine": "engine", "detect": "hosts.hosts", "from_text": "hosts.hosts",
    "ImageFacts": "image",
    "from_image": "image", "from_platform": "image", "Matrix": "grid", "matrix": "grid", "Pick": "picks",
    "pick": "picks", "Reason": "verdict", "Verdict": "verdict",
    **dict.fromkeys(("from_ansible", "from_cim", "from_docker", "from_machine", "from_node", "from_registry"),
                    "hosts.hosts"),
}

__all__ = [
    "Engine", "ImageFacts", "Matrix", "Pick", "Reason", "Report", "Subject", "Verdict", "check", "detect",
    "engine_of", "from_ansible", "from_cim", "from_docker", "from_image", "from_machine", "from_node",
    "from_platform", "from_registry", "from_text", "matrix", "parse_engine", "pick", "subject_of",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOME[name]}", __name__), name)
