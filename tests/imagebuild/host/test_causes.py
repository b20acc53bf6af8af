# SPDX-License-Identifier: Apache-2.0
"""Every cause that an error of a host names is one that the doctor explains, and its words are recognised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imagebuild import host
from imagebuild.compat.failures.catalogue import failure, failures
from imagebuild.doctor import explain
from imagebuild.host import HostAddress
from imagebuild.host.wsman import names, trouble
from imagebuild.host.wsman.answer import Fault

ADDRESS = HostAddress("winrm", "build1", 5986, "me")
FOLDER = Path(host.__file__).parent


def causes() -> set[str]:
    known = {entry.id for entry in failures()}
    text = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    words = set(re.findall(r'(?<!name=)"([a-z]+(?:-[a-z]+)+)"', text))  # but for threads' names
    begun = {"winrm", "ssh", "pipe", "docker", "program", "engine", "dial"}
    return {word for word in words if word in known or word.partition("-")[0] in begun} - {
        "ssh-keygen", "winrm-http", "docker-system"}


@pytest.mark.parametrize("cause", sorted(causes()))
def test_the_doctor_knows_each_cause_that_errors_name(cause: str) -> None:
    assert failure(cause).remedy


@pytest.mark.parametrize(("code", "message", "cause"), [
    (names.SHELL_QUOTA, "This user is allowed a maximum number of 30 concurrent shells", "winrm-quota"),
    (names.OPERATION_QUOTA, "This user is allowed a maximum number of 1500 concurrent operations", "winrm-quota"),
    (names.NOT_FOUND, "The system cannot find the file specified.", "program-missing"),
    (names.TOO_LARGE[0], "too large", "winrm-envelope")])
def test_a_faults_error_and_its_text_lead_to_the_same_cause(code: int, message: str, cause: str) -> None:
    error = trouble.refused(Fault(code, message), 500, ADDRESS, "cannot start docker.exe")
    assert error.facts["cause"] == cause
    found = explain(str(error)).first
    assert found is not None and found.failure.id == cause


def test_a_login_that_was_refused_is_explained() -> None:
    found = explain(str(trouble.denied(ADDRESS, ""))).first
    assert found is not None and found.failure.id == "winrm-denied"
