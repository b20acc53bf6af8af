# SPDX-License-Identifier: Apache-2.0
"""What is wrong with this host, or what does this error mean? Explains, and says what to do."""
