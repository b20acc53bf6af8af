/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "request.h"

/* Tell every process of the job that Windows shuts down, or the host which processes the box has. An exit code. */
int each_process(const struct request *request, int stopping);

#endif
