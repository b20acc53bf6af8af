# SPDX-License-Identifier: Apache-2.0
"""Refusals: their status, their texts, and what other errors become."""

from __future__ import annotations

import pytest

from imagebuild import errors
from imagebuild.dockerapi import faults

ID = "ab" * 32


@pytest.mark.parametrize(("fault", "status", "text"), [
    (faults.no_such_container("x"), 404, "No such container: x"),
    (faults.no_such_image("x:latest"), 404, "No such image: x:latest"),
    (faults.no_such_exec("x"), 404, "No such exec instance: x"),
    (faults.no_such_network("x"), 404, "network x not found"),
    (faults.no_such_volume("x"), 404, "get x: no such volume"),
    (faults.no_such_file("/a", "x"), 404, "Could not find the file /a in container x"),
    (faults.not_running(ID), 409, f"container {ID} is not running"),
    (faults.is_paused("x"), 409, "Container x is paused, unpause the container before exec"),
    (faults.is_restarting("x"), 409, "Container x is restarting, wait until the container is running"),
    (faults.name_in_use("x", ID), 409, f'Conflict. The container name "/x" is already in use by container "{ID}". You '
                                       "have to remove (or rename) that container to be able to reuse that name."),
    (faults.must_be_stopped("x"), 409, 'cannot remove container "/x": container is running: stop the container before '
                                       "removing or force remove"),
    (faults.must_be_stopped("/x", "paused"), 409, 'cannot remove container "/x": container is paused and must be '
                                                  "unpaused first"),
    (faults.volume_in_use("v", ("a", "b")), 409, "remove v: volume is in use - [a, b]"),
    (faults.predefined_network("nat"), 403, "nat is a pre-defined network and cannot be removed"),
    (faults.network_in_use("n", "i"), 403, "error while removing network: network n id i has active endpoints"),
])
def test_a_refusal_has_mobys_status_and_text(fault: faults.Fault, status: int, text: str) -> None:
    assert (fault.status, fault.message, str(fault)) == (status, text, text)


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 409, 500, 501, 503, 418])
def test_an_answers_status_makes_the_fault_that_a_handler_raised(status: int) -> None:
    fault = faults.of_status(status, "why")
    assert fault.status == status and fault.message == "why" and isinstance(fault, errors.DaemonError)


def test_what_is_not_there_is_found_missing_by_either_name() -> None:
    with pytest.raises(errors.NotFoundError):
        raise faults.no_such_container("x")
    assert faults.of_status(404, "x").exit_code == 2 and faults.of_status(500, "x").exit_code == 3


@pytest.mark.parametrize(("error", "status"), [
    (errors.NotFoundError("no"), 404), (errors.UsageError("no"), 400), (errors.FormatError("no"), 400),
    (errors.UnsupportedError("no"), 400), (errors.AuthError("no"), 401), (errors.StoreError("no"), 500),
    (OSError("no"), 500), (KeyError(), 500)])
def test_every_other_error_becomes_a_fault_by_its_meaning(error: Exception, status: int) -> None:
    fault = faults.of_error(error)
    assert fault.status == status and fault.message
    assert faults.of_error(fault) is fault
