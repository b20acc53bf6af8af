# SPDX-License-Identifier: Apache-2.0
"""What Linux does for a box: namespaces, mounts, system calls, limits, and the end of processes."""
