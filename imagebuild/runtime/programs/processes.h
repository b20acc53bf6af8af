/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "request.h"

/* Tell every process of the job that Windows shuts down, or the host which processes the box has. An exit code. */
int each_process(const struct request *request, int stopping);

/* A program beside the main one and what it starts have a job of their own within the box's, named after it and the
 * request's file. */
void give_own_job(HANDLE program, const struct request *request);

/* End all that is left in the job that the request names. An exit code. */
int end_job(const struct request *request);

/* Press Ctrl-C, or with the flag b Ctrl-Break, at the console of the program whose number is the request's line. An exit
 * code. */
int press_keys(const struct request *request);

#endif
