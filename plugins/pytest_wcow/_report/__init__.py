# SPDX-License-Identifier: Apache-2.0
"""What a run tells: progress, failures, artifacts, the timeline."""
