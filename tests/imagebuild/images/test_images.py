# SPDX-License-Identifier: Apache-2.0
"""The public face: every name is there, and asking for one does not load all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import imagebuild.images as face

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", face.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(face, name) is not None


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        face.__getattr__("nothing")


def test_events_alone_load_no_store_and_no_dockerfile() -> None:
    probe = "import json, sys; from imagebuild.images import Step; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    loaded = set(json.loads(done.stdout))
    assert not {"imagebuild.stores", "imagebuild.dockerfile", "imagebuild.layer"} & loaded
