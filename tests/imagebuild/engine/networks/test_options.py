# SPDX-License-Identifier: Apache-2.0
"""Driver options of a network, as a Windows engine reads them."""

from __future__ import annotations

import pytest

from imagebuild.dockerapi import faults
from imagebuild.engine.networks.options import PREFIX, check_options


@pytest.mark.parametrize(("name", "value", "kind", "text"), [
    ("macpool", "00-15-5D-00-00-01", faults.BadRequest,
     "invalid mac pool. You must specify both a start range and an end range"),
    ("vlanid", "x", faults.Internal, 'strconv.ParseUint: parsing "x": invalid syntax'),
    ("vlanid", "", faults.Internal, 'strconv.ParseUint: parsing "": invalid syntax'),
    ("vsid", "-1", faults.Internal, 'strconv.ParseUint: parsing "-1": invalid syntax'),
    ("vsid", "4294967296", faults.Internal, 'strconv.ParseUint: parsing "4294967296": value out of range'),
    ("vsid", "1" * 5000, faults.Internal, f'strconv.ParseUint: parsing "{"1" * 5000}": value out of range'),
    ("disable_gatewaydns", "yes", faults.Internal, 'strconv.ParseBool: parsing "yes": invalid syntax'),
    ("enable_outboundnat", "tRUE", faults.Internal, 'strconv.ParseBool: parsing "tRUE": invalid syntax')])
def test_an_option_that_cannot_be_is_refused(name: str, value: str, kind: type[faults.Fault], text: str) -> None:
    with pytest.raises(kind) as caught:
        check_options({PREFIX + name: value})
    assert caught.value.message == text


def test_other_options_are_taken_as_they_are() -> None:
    check_options({PREFIX + "vlanid": "4294967295", PREFIX + "vsid": "0" * 5000 + "7", PREFIX + "macpool": "a,b",
                   PREFIX + "disable_gatewaydns": "T", PREFIX + "enable_outboundnat": "0",
                   PREFIX + "dnsservers": "x", "vlanid": "x"})
