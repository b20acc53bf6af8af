# SPDX-License-Identifier: Apache-2.0
"""Windows containers for people who do not sit at a Windows machine.

The package is a set of rooms (sub-packages), each one noun with a short public face; see
``docs/architecture.md``. Nothing here imports anything: ``wcow --version`` must stay quick.
A pytest that has the plugin imports it as it is (PYTEST_DONT_REWRITE).
"""

__version__ = "0.1.0.dev0"
