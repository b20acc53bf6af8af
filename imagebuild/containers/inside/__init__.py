# SPDX-License-Identifier: Apache-2.0
"""What can be done in a container that runs: programs, files, registry, services."""
