/* SPDX-License-Identifier: Apache-2.0 */
/* What a program at a terminal sees of it. screen WORD */
#include <windows.h>
#include <stdio.h>
#include <string.h>

static void show(const char *when)
{
    CONSOLE_SCREEN_BUFFER_INFO info;

    GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info);
    printf("<%s %dx%d window %dx%d>\n", when, info.dwSize.X, info.dwSize.Y, info.srWindow.Right - info.srWindow.Left + 1,
           info.srWindow.Bottom - info.srWindow.Top + 1);
    fflush(stdout);
}

static BOOL WINAPI heard(DWORD event)
{
    printf("<event %lu>\n", event);
    fflush(stdout);
    return TRUE;
}

int main(int count, char **argument)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    INPUT_RECORD record;
    DWORD got;

    if (count > 1 && !strcmp(argument[1], "sizes")) { /* every size there is, until Enter */
        show("first");
        SetConsoleMode(input, ENABLE_WINDOW_INPUT | ENABLE_PROCESSED_INPUT);
        while (ReadConsoleInputA(input, &record, 1, &got)) {
            if (record.EventType == WINDOW_BUFFER_SIZE_EVENT) {
                Sleep(300); /* or what we write is drawn in two pieces */
                show("then");
            }
            if (record.EventType == KEY_EVENT && record.Event.KeyEvent.wVirtualKeyCode == VK_RETURN) return 5;
        }
        return 1;
    }
    if (count > 1 && !strcmp(argument[1], "hears")) SetConsoleCtrlHandler(heard, TRUE);
    printf("<ready>\n"); /* and it never reads */
    fflush(stdout);
    for (;;) Sleep(100);
}
