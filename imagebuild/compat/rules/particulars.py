# SPDX-License-Identifier: Apache-2.0
"""What is particular to single builds: statements beside the tables, reported regressions, baselines of revisions.

Rows of facts with their source; the rules that use them are in :mod:`.support` and :mod:`.start`.
"""

from __future__ import annotations

from dataclasses import dataclass

_DEPLOY = "MicrosoftDocs/Virtualization-Documentation windowscontainers/deploy-containers"


@dataclass(frozen=True, slots=True)
class Statement:
    """Microsoft says of one host, outside its tables, that it takes images of one build, process-isolated."""

    host_build: int
    image_build: int
    source: str


@dataclass(frozen=True, slots=True)
class Regression:
    """Users report that hosts of a build, from a revision on, do not start images of another, in either isolation."""

    host_build: int
    first_revision: int
    image_build: int
    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The security update of February 2020: below ``host`` a host, below ``image`` an image of the build is older."""

    build: int
    host: int
    image: int
    source: str


STATEMENTS = (Statement(25398, 20348, f"{_DEPLOY}/portability.md@77e0742"),)

REGRESSIONS = (Regression(26200, 7171, 26100, "0xc0370112", "microsoft/hcsshim#2566, docker/for-win#14984, "
                          "microsoft/navcontainerhelper#4036, microsoft/navcontainerhelper#4070"),)

_TABLE = f"{_DEPLOY}/update-containers.md@7244b1d7 (table of image revisions), KB4542617"
BASELINES = {row.build: row for row in (
    Baseline(14393, 3504, 3506, _TABLE), Baseline(17134, 1304, 1305, _TABLE), Baseline(17763, 1039, 1040, _TABLE),
    Baseline(18362, 658, 658, _TABLE), Baseline(18363, 658, 658, _TABLE))}
"""By build. Hosts had no out-of-band update where images had one, so the two numbers may differ."""

EQUAL_REVISION = 14393
"""The build whose images want the host's own revision (``version-compatibility.md``, "Windows Server 2016
Restrictions")."""

CLIENT_PROCESS = 17763
"""The first build whose clients start process-isolated containers (``about/faq.yml``; moby/moby#38000)."""

CLIENT_PROCESS_ENGINE = (18, 9, 1)
"""The first Docker that asks a client to (moby/moby#38000)."""

CLIENT_CHECK_GONE = (23,)
"""From here on dockerd leaves it to Windows whether a client may (``daemon/daemon_windows.go``)."""
