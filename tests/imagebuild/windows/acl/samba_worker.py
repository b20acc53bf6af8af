# SPDX-License-Identifier: Apache-2.0
"""Run by the system's Python for test_sddl_samba.py: what Samba makes of each descriptor.

Reads lines of JSON ``[sddl, hex]`` and answers each with one line: the bytes Samba gives the SDDL, Samba's view of
our bytes as fields, and the SDDL Samba writes for our bytes.
"""

from __future__ import annotations

import json
import sys

from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack

DOMAIN = security.dom_sid("S-1-5-21-1-2-3")


def fields_of(acl: object) -> list[list[object]] | None:
    if acl is None:
        return None
    rows = []
    for ace in acl.aces:
        guids = [None, None]
        if 5 <= ace.type <= 8:
            if ace.object.flags & 1:
                guids[0] = str(ace.object.type)
            if ace.object.flags & 2:
                guids[1] = str(ace.object.inherited_type)
        rows.append([ace.type, ace.flags, ace.access_mask, str(ace.trustee), *guids])
    return rows


for line in sys.stdin:
    sddl, ours = json.loads(line)
    try:
        theirs = security.descriptor.from_sddl(sddl, DOMAIN)
    except security.SDDLValueError as error:
        print(json.dumps({"refused": str(error)}))
        continue
    seen = ndr_unpack(security.descriptor, bytes.fromhex(ours))
    print(json.dumps({
        "bytes": ndr_pack(theirs).hex(),
        "control": seen.type,
        "owner": str(seen.owner_sid) if seen.owner_sid else None,
        "group": str(seen.group_sid) if seen.group_sid else None,
        "dacl": fields_of(seen.dacl),
        "sacl": fields_of(seen.sacl),
        "sddl": seen.as_sddl(DOMAIN),
    }))
