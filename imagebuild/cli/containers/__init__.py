# SPDX-License-Identifier: Apache-2.0
"""``wcow engine``, ``run``, ``ps``, ``powershell`` and ``sweep``."""
