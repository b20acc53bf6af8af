# SPDX-License-Identifier: Apache-2.0
"""What --acl, --attr and --junction may ask."""

from __future__ import annotations

import pytest

from imagebuild.builder.execute.asked import Asked
from imagebuild.builder.request import BuildRequest
from imagebuild.errors import WcowError
from imagebuild.windows.acl.sddl import format_sddl


def test_paths_are_keyed_without_case_and_targets_are_whole_paths() -> None:
    found = Asked.of(BuildRequest(acls=(("c:/App\\X", "D:(A;;FR;;;BU)"),), attributes=(("\\app", "+H-A"),),
                                  junctions=(("C:\\j", "/data/"),)))
    assert {key: format_sddl(sd) for key, sd in found.acls.items()} == {"FILES/APP/X": "D:(A;;FR;;;BU)"}
    assert found.attributes == {"FILES/APP": "+H-A"}
    assert found.junctions == [(("j",), "C:\\data")]


@pytest.mark.parametrize("wrong", [
    {"acls": (("C:\\a", "x"),)}, {"acls": (("C:\\", "D:(A;;FR;;;BU)"),)}, {"acls": (("D:\\a", "D:(A;;FR;;;BU)"),)},
    {"attributes": (("C:\\a", "Q"),)}, {"attributes": (("C:\\", "+H"),)}, {"junctions": (("C:\\a|b", "C:\\x"),)},
    {"junctions": (("C:\\a", "\\\\server\\share"),)}, {"junctions": (("C:\\", "C:\\a"),)},
    {"junctions": (("C:\\a", ""),)}, {"junctions": (("C:\\a", "c:/A"),)}, {"acls": (("C:\\a", ""),)}])
def test_what_cannot_be_is_refused_before_anything_is_built(wrong: dict[str, tuple[tuple[str, str], ...]]) -> None:
    with pytest.raises(WcowError) as caught:
        Asked.of(BuildRequest(**wrong))  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
