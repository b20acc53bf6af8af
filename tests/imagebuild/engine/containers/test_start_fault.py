# SPDX-License-Identifier: Apache-2.0
"""A program that cannot be started: what clients are told, and with which exit code."""

from __future__ import annotations

import pytest

from imagebuild.dockerapi import faults
from imagebuild.engine.containers.start_fault import start_fault
from imagebuild.errors import NotFoundError, ToolError


@pytest.mark.parametrize(("number", "kind", "code", "text"), [
    (2, faults.BadRequest, 127, "The system cannot find the file specified. (0x2)"),
    (5, faults.Internal, 128, "Access is denied. (0x5)"),
    (193, faults.Internal, 128, "%1 is not a valid Win32 application. (0xc1)")])
def test_windows_sentences_are_said(number: int, kind: type[faults.Fault], code: int, text: str) -> None:
    fault, found = start_fault(ToolError("cannot start", program="x", code=number), "c1", "x.exe /y")
    assert (type(fault), found) == (kind, code)
    assert fault.message == ("container c1 encountered an error during hcs::System::CreateProcess: x.exe /y: failure "
                             f"in a Windows system call: {text}")


def test_anything_else_is_said_as_it_is() -> None:
    fault, code = start_fault(ToolError("no Wine", program="wine64", why="it is gone"), "c1", "x.exe")
    assert (type(fault), code) == (faults.Internal, 128)
    assert "no Wine" in fault.message
    assert isinstance(start_fault(NotFoundError("no layer"), "c1", "")[0], faults.NotFound)
    pipe = faults.BadRequest("hcs::CreateComputeSystem c1: The system cannot find the file specified.")
    assert start_fault(pipe, "c1", "x.exe") == (pipe, 127)  # moby goes by the sentence, whatever was not found
    assert start_fault(faults.Internal(pipe.message), "c1", "x.exe")[1] == 128
    refused = faults.Conflict("as it was")
    assert start_fault(refused, "c1", "")[0] is refused
