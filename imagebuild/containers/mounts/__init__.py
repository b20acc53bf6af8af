# SPDX-License-Identifier: Apache-2.0
"""Files of this machine in a container: mounted, staged, or copied."""
