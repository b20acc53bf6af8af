/* SPDX-License-Identifier: Apache-2.0
   Takes memory, a MiB at a time, and touches it. "eat N" starts N more of itself first; "eat" goes on when no more is
   to be had, so that it takes what others give back, until it was refused a hundred times. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int refused = 0, taken = 0, more = argc > 1 ? atoi(argv[1]) : 0;
    char self[MAX_PATH];
    GetModuleFileNameA(NULL, self, sizeof self);
    while (more-- > 0) {
        STARTUPINFOA start = {.cb = sizeof start};
        PROCESS_INFORMATION made;
        if (!CreateProcessA(self, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &start, &made)) break;
    }
    printf("eating\n");
    fflush(stdout);
    while (refused < 100) {
        char *piece = VirtualAlloc(NULL, 1 << 20, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        if (piece) { memset(piece, 1, 1 << 20); taken++; }
        else { refused++; Sleep(10); }
    }
    printf("had %d MiB\n", taken);
    return 3;
}
