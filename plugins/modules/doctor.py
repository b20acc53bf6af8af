#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation and the options of ``doctor``, which its action plugin carries out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Say what stops Windows containers on a host, and what to do about it
version_added: 0.1.0
description:
  - Answers every question of C(wcow doctor examine) about a Windows host, from the facts of
    M(wcow.containers.host_info).
  - With O(text) it says what the words of an error may mean.
  - Changes nothing. The answers are found on the control node.
options:
  only:
    description: Answer these questions only, by their identifiers.
    type: list
    elements: str
    default: []
  skip:
    description: Leave these questions out.
    type: list
    elements: str
    default: []
  online:
    description: Whether the host asks Microsoft's public registry for the time, to see whether its clock is right.
    type: bool
    default: false
  facts:
    description:
      - Facts to judge instead of the host's own, as M(wcow.containers.host_info) returns them in
        RV(wcow.containers.host_info#module:machine), or as C(docker info) prints them in JSON.
    type: dict
  text:
    description: The text of an error, to be explained instead.
    type: str
  fail_on:
    description: From which answer on the module fails. V(warn) includes V(fail), V(unknown) includes both.
    type: str
    choices: [never, fail, warn, unknown]
    default: never
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: windows
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
seealso:
  - module: wcow.containers.host_info
author:
  - The wcow authors (@wcow)
"""

EXAMPLES = r"""
- name: Go no further where containers cannot run
  wcow.containers.doctor:
    skip: [support]
    fail_on: fail

- name: Say what an error means
  wcow.containers.doctor:
    text: "hcs::CreateComputeSystem: The virtual machine could not be started. (0xc0370106)"
  register: explained

- name: Show what to do about it
  ansible.builtin.debug:
    msg: "{{ explained.causes[0].remedy }}"
"""

RETURN = r"""
checks:
  description: The answers, the worst first.
  returned: when facts were judged
  type: list
  elements: dict
  contains:
    id:
      description: The question.
      returned: always
      type: str
      sample: containers-feature
    title:
      description: The question in words.
      returned: always
      type: str
    status:
      description: The answer, V(fail), V(warn), V(unknown) (a fact is missing) or V(pass).
      returned: always
      type: str
      sample: pass
    found:
      description: What was found.
      returned: always
      type: str
    why:
      description: Why it matters.
      returned: always
      type: str
    remedy:
      description: What to do about it.
      returned: always
      type: str
    sources:
      description: Where the rule stands.
      returned: always
      type: list
      elements: str
summary:
  description: How many answers there are of each kind.
  returned: when facts were judged
  type: dict
  sample: {fail: 0, warn: 1, unknown: 2, pass: 20}
causes:
  description: What the text may mean, the likeliest first.
  returned: when O(text) is given
  type: list
  elements: dict
  contains:
    id:
      description: The entry of the catalogue.
      returned: always
      type: str
    title:
      description: The entry in words.
      returned: always
      type: str
    cause:
      description: What went wrong.
      returned: always
      type: str
    remedy:
      description: What to do about it.
      returned: always
      type: str
    detect:
      description: The fact that tells it from its neighbours.
      returned: always
      type: str
    lookup:
      description: How to look that up.
      returned: always
      type: str
    confidence:
      description: How sure that is, V(low), V(medium) or V(high).
      returned: always
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._doctor_spec import ARGUMENTS, EXCLUSIVE


def main() -> None:
    """Check the options; the work is the action plugin's."""
    module = AnsibleModule(argument_spec=ARGUMENTS, mutually_exclusive=EXCLUSIVE, supports_check_mode=True)
    module.fail_json(msg="doctor works by its action plugin only: call it by a task, as wcow.containers.doctor")


if __name__ == "__main__":
    main()
