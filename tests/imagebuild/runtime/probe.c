/* SPDX-License-Identifier: Apache-2.0 */
/* What a program of a box can do, well behaved or not. probe WORD ARGUMENTS */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long long word; /* Linux' long: Windows' has 32 bits */

static word call(word number, word a, word b, word c, word d)
{
    word result;
    register word r10 __asm__("r10") = d;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static BOOL WINAPI on_control(DWORD event)
{
    FILE *file = fopen("C:\\event.txt", "w");

    fprintf(file, "%lu", event);
    fclose(file);
    ExitProcess(77);
}

static DWORD WINAPI overflow(void *below)
{
    volatile int here[100];

    here[0] = *(volatile int *)below;
    return here[0] < 0 ? 0 : overflow((void *)here) + here[0];
}

static int hold(HANDLE handle)
{
    printf("%s %lu\n", handle ? "made" : "none", GetLastError());
    fflush(stdout);
    Sleep(INFINITE);
    return 0;
}

int main(int count, char **argument)
{
    const char *verb = count > 1 ? argument[1] : "";

    if (!strcmp(verb, "exit")) ExitProcess(strtoul(argument[2], NULL, 0));
    if (!strcmp(verb, "crash")) *(volatile int *)NULL = 1;
    if (!strcmp(verb, "overflow")) return overflow(&count);
    if (!strcmp(verb, "overflow-thread")) {
        WaitForSingleObject(CreateThread(NULL, 0, overflow, &count, 0, NULL), INFINITE);
        return 0;
    }
    if (!strcmp(verb, "fail")) { /* fail [CODE] */
        EXCEPTION_RECORD record = {.ExceptionCode = count > 2 ? strtoul(argument[2], NULL, 0) : 0};

        RaiseFailFastException(count > 2 ? &record : NULL, NULL, 0);
    }
    if (!strcmp(verb, "sleep")) Sleep(INFINITE);
    if (!strcmp(verb, "handle")) {
        SetConsoleCtrlHandler(on_control, TRUE);
        Sleep(INFINITE);
    }
    if (!strcmp(verb, "allocate")) {
        size_t bytes = strtoul(argument[2], NULL, 0) << 20;
        char *memory = VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

        if (!memory) return printf("error %lu\n", GetLastError()), 1;
        memset(memory, 1, bytes);
        return printf("allocated\n"), 0;
    }
    if (!strcmp(verb, "open")) { /* open FILE [w]: what becomes of it */
        HANDLE file = CreateFileA(argument[2], count > 3 ? GENERIC_WRITE : GENERIC_READ, 7, NULL,
                                  count > 3 ? OPEN_ALWAYS : OPEN_EXISTING, 0, NULL);
        char text[200];
        DWORD got = 0;

        if (file == INVALID_HANDLE_VALUE) return printf("error %lu\n", GetLastError()), 1;
        if (count == 3) ReadFile(file, text, sizeof text - 1, &got, NULL);
        printf("opened %.*s\n", (int)got, text);
        return 0;
    }
    if (!strcmp(verb, "call")) { /* call NUMBER A B C D: a raw Linux system call; @TEXT is a pointer to TEXT */
        word value[5] = {0};

        for (int i = 0; i < 5 && i + 2 < count; i++)
            value[i] = *argument[i + 2] == '@' ? (word)(ULONG_PTR)(argument[i + 2] + 1)
                                               : (word)strtoull(argument[i + 2], NULL, 0);
        printf("%lld\n", call(value[0], value[1], value[2], value[3], value[4]));
        return 0;
    }
    if (!strcmp(verb, "read")) { /* read PATH: a Linux file, by Linux's own calls */
        static char text[65536];
        word file = call(2, (word)(ULONG_PTR)argument[2], 0, 0, 0), got;

        if (file < 0) return printf("error %lld\n", -file), 1;
        got = call(0, file, (word)(ULONG_PTR)text, sizeof text, 0);
        for (word i = 0; i < got; i++) putchar(text[i] ? text[i] : ' ');
        return 0;
    }
    if (!strcmp(verb, "exchange")) { /* exchange A B: what two Linux names stand for, for ever */
        printf("begun\n");
        fflush(stdout);
        for (;;) {
            word result;
            register word other __asm__("r10") = (word)(ULONG_PTR)argument[3];
            register word flags __asm__("r8") = 2; /* RENAME_EXCHANGE */

            __asm__ volatile("syscall" : "=a"(result) : "a"((word)316 /* renameat2 */), "D"((word)-100 /* AT_FDCWD */),
                             "S"(argument[2]), "d"((word)-100), "r"(other), "r"(flags) : "rcx", "r11", "memory");
            if (result) return printf("error %lld\n", -result), 1;
        }
    }
    if (!strcmp(verb, "attach")) { /* stop process 1 and keep it stopped */
        printf("%lld\n", call(101, 16 /* PTRACE_ATTACH */, 1, 0, 0));
        fflush(stdout);
        if (count > 2) return 5;
        Sleep(INFINITE);
    }
    if (!strcmp(verb, "answer")) { /* answer PATH flood|WORD NUMBER: write it there as soon as that can be opened */
        char text[4096];
        word file;
        int flood = !strcmp(argument[3], "flood"), size = flood ? (int)sizeof text
                    : sprintf(text, "\n%s %s\n", argument[3], argument[4]);

        if (flood) memset(text, 'x', sizeof text);
        while ((file = call(2, (word)(ULONG_PTR)argument[2], 1, 0, 0)) < 0) ;
        do call(1, file, (word)(ULONG_PTR)text, size, 0); while (flood);
        Sleep(INFINITE);
    }
    if (!strcmp(verb, "hunt")) { /* hunt SECONDS: trace what comes into the box; how many, how many without a filter */
        static char seen[2000], text[4096], path[64];
        DWORD end = GetTickCount() + 1000 * strtoul(argument[2], NULL, 0);
        int traced = 0, bare = 0;

        while (GetTickCount() < end)
            for (int id = 1; id < (int)sizeof seen; id++) {
                if (seen[id] || call(101, 0x4206 /* PTRACE_SEIZE */, id, 0, 0)) continue;
                seen[id] = 1;
                traced++;
                sprintf(path, "/proc/%d/status", id);
                word file = call(2, (word)(ULONG_PTR)path, 0, 0, 0);
                word got = call(0, file, (word)(ULONG_PTR)text, sizeof text - 1, 0);

                text[got > 0 ? got : 0] = 0;
                bare += strstr(text, "Seccomp:\t0") != NULL;
                call(3, file, 0, 0, 0);
                call(101, 0x4207 /* PTRACE_INTERRUPT */, id, 0, 0);
                call(61, id, 0, 0x40000000 /* __WALL */, 0); /* only what has stopped can be let go */
                call(101, 17 /* PTRACE_DETACH */, id, 0, 0);
            }
        printf("%d %d\n", traced, bare);
        return 0;
    }
    if (!strcmp(verb, "make")) { /* make KIND NAME: and hold it */
        if (!strcmp(argument[2], "event")) return hold(CreateEventA(NULL, TRUE, FALSE, argument[3]));
        if (!strcmp(argument[2], "mutex")) return hold(CreateMutexA(NULL, TRUE, argument[3]));
        if (!strcmp(argument[2], "section"))
            return hold(CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, argument[3]));
        return hold(CreateNamedPipeA(argument[3], PIPE_ACCESS_DUPLEX, 0, 1, 100, 100, 0, NULL));
    }
    if (!strcmp(verb, "find")) { /* find KIND NAME: is it there? */
        HANDLE handle = !strcmp(argument[2], "event") ? OpenEventA(SYNCHRONIZE, FALSE, argument[3])
                        : !strcmp(argument[2], "mutex") ? OpenMutexA(SYNCHRONIZE, FALSE, argument[3])
                        : !strcmp(argument[2], "section") ? OpenFileMappingA(FILE_MAP_READ, FALSE, argument[3])
                        : CreateFileA(argument[3], GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);

        printf("%s\n", handle && handle != INVALID_HANDLE_VALUE ? "found" : "not found");
        return 0;
    }
    return 9;
}
