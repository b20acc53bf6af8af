# SPDX-License-Identifier: Apache-2.0
"""How much one user may ask of the service at once."""

from __future__ import annotations

import pytest

from imagebuild.hostd.winrm.envelope import fault
from imagebuild.hostd.winrm.envelope.fault import Fault
from imagebuild.hostd.winrm.quotas import OPERATIONS, Operations


def test_a_user_has_so_many_open_requests_and_no_more() -> None:
    operations = Operations(limit=2)
    with operations.one("a"), operations.one("a"):
        with pytest.raises(Fault) as refused, operations.one("a"):
            pass
        assert refused.value.kind is fault.OPERATION_QUOTA
        assert refused.value.kind.code == 0x803381A6
        with operations.one("b"):
            pass
    with operations.one("a"), operations.one("a"):
        pass


def test_an_answered_request_counts_no_more_even_where_it_failed() -> None:
    operations = Operations(limit=1)
    for _ in range(3):
        with pytest.raises(KeyError), operations.one("a"):
            raise KeyError
    assert f"maximum number of {OPERATIONS} concurrent operations" in fault.OPERATION_QUOTA.reason
