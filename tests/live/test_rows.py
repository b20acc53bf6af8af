# SPDX-License-Identifier: Apache-2.0
"""Each row of ``docs/unproven.md`` on hosts has a test here, or a reason why no test shows it. Needs no host."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/unproven.md").read_text(encoding="utf-8")
BY_HAND = {
    "Whether event 2 of Microsoft-Windows-Hyper-V-Hypervisor": "a machine has to be started with and without nesting",
    "That the processor's flags read true in a guest": "Hyper-V must not run in the guest yet",
    "That `secedit /export /mergedpolicy` shows": "a host in a domain whose policy names the right",
    "How much the rules for nested virtualisation": "a machine below each of the limits",
    "What HNS says to a published container port 0": "`docker run -p 8080:0`, by the workflow",
    "That `engine_request` ends a program's input": "`container_exec` with stdin where no library runs",
    "That our client reads and writes dockerd's named pipe": "Python on Windows, by the workflow",
    "That `engine` reads an archive from a share": "a server with a share",
    "That an engine's images go with `purge_data`": "the host's images are lost",
    "That the service's environment, start and arguments survive": "a host that Microsoft's old script installed",
    "That Defender under a policy takes": "a host with tamper protection",
    "The states that `Get-WindowsFeature` and": "each feature on each build; the states' test shows the Telnet client",
    "That `Get-NetFirewallRule` and its filters": "each build; the states' test shows one rule",
    "That the modules load in Windows PowerShell 5.1": "Server 2016; the states' test shows the build that is named",
    "That `shutdown.exe` ends with 5": "Amazon's image of Windows Server",
    "That a running service has not read its environment": "the service of a host in use is restarted",
    "That `hns` is there and can be started": "a fresh host of each build",
    "That the engine makes its network `nat`": "a fresh host",
    "That the engine listens with TLS": "certificates for the host",
}


def rows(section: str) -> list[str]:
    """The first column of a section's table."""
    part = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("| ")
            and not re.match(r"\| (what is|-)", line)]


def test_each_row_on_hosts_is_shown_by_a_test_or_by_hand() -> None:
    texts = []
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and path.name != "test_rows.py":
                texts.append(ast.get_docstring(node) or "nothing")
    found = rows("Reaching a host") + rows("Facts of a host") + rows("Modules for hosts")
    assert len(found) > 25
    for row in found:
        assert any(row.startswith(text) for text in (*texts, *BY_HAND)), f"no test shows: {row}"
    for text in (*texts, *BY_HAND):
        assert any(row.startswith(text) for row in found), f"no row is: {text}"
