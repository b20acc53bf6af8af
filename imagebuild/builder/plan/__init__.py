# SPDX-License-Identifier: Apache-2.0
"""What a build would do, decided before anything is done."""
