/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMDLINKS_H
#define CMDLINKS_H

/* FindFirstFile, and FormatMessage with the links of a list. */
HANDLE WINAPI find_first(const WCHAR *pattern, WIN32_FIND_DATAW *found);
DWORD WINAPI format_message(DWORD flags, const void *source, DWORD id, DWORD language, WCHAR *out, DWORD size,
                            va_list *values);

#endif
