/* SPDX-License-Identifier: Apache-2.0 */
/* message KIND TYPE: show a message box by one of the functions there are; the answer is the exit code. */
#include <windows.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **argument)
{
    UINT type = count > 2 ? strtoul(argument[2], NULL, 0) : 0;
    MSGBOXPARAMSA a = {.cbSize = sizeof a, .lpszText = "text \xfc", .lpszCaption = "title", .dwStyle = type};
    MSGBOXPARAMSW w = {.cbSize = sizeof w, .lpszText = (WCHAR *)7, .lpszCaption = L"title", .dwStyle = type};

    if (count < 2) return MessageBoxW(NULL, NULL, NULL, 0);
    if (!strcmp(argument[1], "a")) return MessageBoxA(NULL, "text \xfc", "title", type);
    if (!strcmp(argument[1], "w")) return MessageBoxW(NULL, L"text \x00fc\x6f22\r\n", L"title", type);
    if (!strcmp(argument[1], "exa")) return MessageBoxExA(NULL, "text \xfc", NULL, type, 0);
    if (!strcmp(argument[1], "exw")) return MessageBoxExW(NULL, L"text", L"", type, 0);
    if (!strcmp(argument[1], "indirecta")) return MessageBoxIndirectA(&a);
    return MessageBoxIndirectW(&w);
}
