/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <windows.h>

#define CONSOLE_HANDLE Reserved2[0] /* of RTL_USER_PROCESS_PARAMETERS, as winternl.h has it */
#define OEM_TABLE 21 /* the words before OemCodePageData in the PEB */
#define PAGE_EVENT L"\\KernelObjects\\wcow_code_page" /* set: a console's code page was changed (consolemode.c) */

/* Give this process a console without a window, as Windows gives one to a program that has no terminal; programs that
 * it starts inherit it. Nothing serves the console yet: the result is signalled when a program asks it something. NULL:
 * there is none, and programs run without. */
HANDLE offer_console(void);

/* Serve it, after the first question. */
void start_console(HANDLE server);

/* Before this process ends: serve a console that other programs still have, or their questions fail from now on. */
void leave_console(HANDLE server);

#endif
