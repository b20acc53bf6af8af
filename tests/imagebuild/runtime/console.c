/* SPDX-License-Identifier: Apache-2.0 */
/* What a program may ask its console and its standard handles. console WORD ARGUMENTS */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int state(const char *name, DWORD which, DWORD mode)
{
    BOOL done = SetNamedPipeHandleState(GetStdHandle(which), &mode, NULL, NULL);

    return printf("%s %lu: %s %lu\n", name, mode, done ? "yes" : "no", done ? 0 : GetLastError());
}

static HANDLE guest;
static const char *done;

/* What a service does that is told to end: it goes on for a while, and asks its console once more. */
static BOOL WINAPI finish(DWORD event)
{
    FILE *file;

    if (guest) { /* the host of another program ends after it */
        WaitForSingleObject(guest, INFINITE);
        ExitProcess(7);
    }
    Sleep(1000);
    file = fopen(done, "w");
    SetConsoleOutputCP(850); /* what only a console that is still there can do */
    fprintf(file, "page %u", GetConsoleOutputCP());
    fclose(file);
    ExitProcess(event);
}

int main(int count, char **argument)
{
    const char *verb = count > 1 ? argument[1] : "";
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    DWORD got, there, mode;
    char text[200];

    if (!strcmp(verb, "ask")) { /* ask [SECONDS]: later, what a console answers */
        Sleep(count > 2 ? 1000 * atoi(argument[2]) : 0);
        HANDLE screen = CreateFileA("CONOUT$", GENERIC_READ | GENERIC_WRITE, 3, NULL, OPEN_EXISTING, 0, NULL);
        CONSOLE_SCREEN_BUFFER_INFO info = {0};
        BOOL wrote = WriteConsoleW(screen, L"unseen", 6, &got, NULL);

        GetConsoleScreenBufferInfo(screen, &info);
        printf("page %u %u, wrote %d, row %d column %d, window %p\n", GetConsoleOutputCP(), GetConsoleCP(), wrote,
               info.dwCursorPosition.Y, info.dwCursorPosition.X, (void *)GetConsoleWindow());
        printf("a new console: %d\n", AllocConsole()); /* no: there is one */
        return 0;
    }
    if (!strcmp(verb, "leave")) { /* leave FILE: start what asks a second later, and end before */
        HANDLE file;
        STARTUPINFOA startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
        PROCESS_INFORMATION process;
        SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};

        file = CreateFileA(argument[2], GENERIC_WRITE, 7, &inherit, CREATE_ALWAYS, 0, NULL);
        startup.hStdOutput = startup.hStdError = file;
        sprintf(text, "%s ask 1", argument[0]);
        return !CreateProcessA(NULL, text, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process);
    }
    if (!strcmp(verb, "host") || !strcmp(verb, "guest")) { /* host FILE: a program with a console of its own, as guest */
        STARTUPINFOA startup = {.cb = sizeof startup};
        PROCESS_INFORMATION process;

        done = argument[2];
        sprintf(text, "%s guest %s", argument[0], done);
        if (!strcmp(verb, "host")) {
            CreateProcessA(NULL, text, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &startup, &process);
            guest = process.hProcess;
        }
        SetConsoleCtrlHandler(finish, TRUE);
        Sleep(INFINITE);
    }
    if (!strcmp(verb, "handles")) {
        printf("types %lu %lu %lu\n", GetFileType(input), GetFileType(GetStdHandle(STD_OUTPUT_HANDLE)),
               GetFileType(GetStdHandle(STD_ERROR_HANDLE)));
        state("output", STD_OUTPUT_HANDLE, PIPE_READMODE_BYTE | PIPE_WAIT);
        state("output", STD_OUTPUT_HANDLE, PIPE_READMODE_MESSAGE);
        state("output", STD_OUTPUT_HANDLE, 8);
        state("error", STD_ERROR_HANDLE, PIPE_READMODE_BYTE | PIPE_WAIT);
        state("input", STD_INPUT_HANDLE, PIPE_READMODE_BYTE | PIPE_WAIT);
        return 0;
    }
    if (!strcmp(verb, "read")) { /* as libuv: an empty read returns when something is there, and then how much it is */
        do {
            DWORD started = GetTickCount();

            if (!ReadFile(input, text, 0, &got, NULL)) break;
            if (!PeekNamedPipe(input, NULL, 0, NULL, &there, NULL)) break;
            printf("%s %lu\n", GetTickCount() - started > 300 ? "later" : "now", there);
            fflush(stdout);
        } while (ReadFile(input, text, sizeof text, &got, NULL) && got);
        return printf("end %lu\n", GetLastError()), 0;
    }
    if (!strcmp(verb, "count")) { /* how much comes, and in how many reads of 64 KB */
        static char block[65536];
        unsigned long long sum = 0, reads = 0;

        for (; ReadFile(input, block, sizeof block, &got, NULL) && got; sum += got) reads++;
        return printf("%llu %s\n", sum, reads * 1000 < sum ? "in blocks" : "in pieces"), 0;
    }
    if (!strcmp(verb, "pages")) { /* pages [FILE]: the code pages; with a file, into that, and stay */
        FILE *file = count > 2 ? fopen(argument[2], "w") : stdout;

        fprintf(file, "%u %u\n", GetConsoleCP(), GetConsoleOutputCP());
        fflush(file);
        if (count > 2) Sleep(INFINITE);
        return 0;
    }
    if (!strcmp(verb, "mode")) return printf("%d\n", GetConsoleMode(input, &mode)), 0;
    return 9;
}
