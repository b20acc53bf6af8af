# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine refuses of a container, in moby's words and order."""
