/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMDCONSOLE_H
#define CMDCONSOLE_H

/* Take the place of kernel32 where this process, which is cmd.exe, asks about its console and its input. */
void answer_for_console(void);

#endif
