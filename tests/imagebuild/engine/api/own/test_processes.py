# SPDX-License-Identifier: Apache-2.0
"""Which processes a container is shown to have."""

from __future__ import annotations

from imagebuild.engine.api.own.processes import container_processes
from imagebuild.runtime.port import ProcessRow


def test_the_launcher_is_not_shown_but_a_program_of_its_name_is() -> None:
    rows = [ProcessRow(8, 101, "launcher.exe", ""), ProcessRow(12, 102, "app.exe", "Container_1"),
            ProcessRow(16, 103, "Launcher.exe", "Container_1"), ProcessRow(20, 104, "conhost.exe", "")]
    assert [row.pid for row in container_processes(rows)] == [12, 16, 20]
