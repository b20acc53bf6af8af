/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVICES_H
#define SERVICES_H

#include <windows.h>

/* Make the pipe of the service manager, which is not started. The event that is set when a program opens it; NULL: there
 * is none. */
HANDLE offer_services(void);

/* Start the service manager and hand to it what was asked so far; returns at once. */
void start_services(void);

/* Whether there are services that start by themselves (automatic.c). */
BOOL has_automatic(void);

/* Open the pipe, so that the service manager starts, and with it the services that do so by themselves. */
void want_services(void);

#endif
