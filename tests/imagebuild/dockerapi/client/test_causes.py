# SPDX-License-Identifier: Apache-2.0
"""Each error of the client has a cause that the doctor knows, and the doctor finds it by the error's own text."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from imagebuild.compat.failures.catalogue import failures
from imagebuild.dockerapi import client as package
from imagebuild.dockerapi.client import trouble
from imagebuild.dockerapi.client.environment import endpoint
from imagebuild.dockerapi.client.wire import NotHttp
from imagebuild.doctor.explain import explain
from imagebuild.errors import WcowError

UNIX, TCP, PIPE = "unix:///var/run/docker.sock", "tcp://192.0.2.1:2376", "npipe:////./pipe/docker_engine"
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"


def of_settings(folder: Path, **said: str) -> WcowError:
    with pytest.raises(WcowError) as caught:
        endpoint({"HOME": str(folder), **said}).tls()
    return caught.value


@pytest.mark.parametrize(("error", "cause"), [
    (trouble.unreachable(FileNotFoundError(2, "x"), UNIX), "engine-not-there"),
    (trouble.unreachable(ConnectionRefusedError(111, "x"), UNIX), "engine-not-there"),
    (trouble.unreachable(ConnectionRefusedError(111, "x"), TCP), "engine-not-there"),
    (trouble.unreachable(PermissionError(13, "x"), UNIX), "engine-socket-denied"),
    (trouble.unreachable(FileNotFoundError(2, "x"), PIPE), "pipe-missing"),
    (trouble.unreachable(PermissionError(13, "x"), PIPE), "pipe-denied"),
    (trouble.unreachable(TimeoutError(110, "x"), TCP), "engine-silent"),
    (trouble.unreachable(UNTRUSTED, TCP), "engine-tls"),
    (trouble.unreachable(ssl.SSLError(1, "alert"), TCP), "engine-tls"),
    (trouble.broken(ssl.SSLError(1, "alert"), TCP), "engine-tls"),
    (trouble.broken(TimeoutError("timed out"), UNIX, deadline=30), "engine-silent"),
    (trouble.broken(TimeoutError("timed out"), UNIX, silence=5), "engine-silent"),
    (trouble.broken(NotHttp("its answer begins with b'SSH'"), TCP), "engine-not-http"),
])
def test_the_cause_is_found_by_the_errors_own_text(error: WcowError, cause: str) -> None:
    assert error.facts["cause"] == cause
    found = explain(str(error))
    assert found.first is not None
    assert found.first.failure.id == cause


def test_the_causes_of_settings_are_found_too(tmp_path: Path) -> None:
    for error, cause in ((of_settings(tmp_path, DOCKER_CONTEXT="mine"), "docker-context"),
                         (of_settings(tmp_path, DOCKER_TLS_VERIFY="1"), "engine-tls")):
        found = explain(str(error))
        assert found.first is not None
        assert found.first.failure.id == error.facts["cause"] == cause


def test_every_cause_that_the_client_names_is_in_the_catalogue() -> None:
    named = {name for path in Path(package.__file__).parent.glob("*.py")
             for name in re.findall(r'cause=(?:"[a-z-]+" if \w+ else )?"([a-z-]+)"', path.read_text(encoding="utf-8"))}
    assert {"engine-not-there", "engine-tls", "docker-context"} <= named
    assert named <= {entry.id for entry in failures()}
