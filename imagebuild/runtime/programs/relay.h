/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RELAY_H
#define RELAY_H

#include <windows.h>

struct request;

/* Serve named pipes of the box: each connection is passed on through the standard streams. Ends with standard input. */
int relay(const struct request *request);

/* Before the main program runs: pipes are there when it looks for them. */
HANDLE expect_pipes(void);
void await_pipes(HANDLE expected);

#endif
