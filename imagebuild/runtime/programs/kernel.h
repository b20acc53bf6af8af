/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_H
#define KERNEL_H

#include <windows.h>

/* Wine's ntoskrnl.exe, whose imports are looked for when they are called; NULL: it cannot be loaded. Once. */
HMODULE load_kernel(void);

#endif
