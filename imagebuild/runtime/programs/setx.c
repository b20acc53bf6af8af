/* SPDX-License-Identifier: Apache-2.0 */
/* setx.exe: a variable of the user, or with /M of the machine, written where Windows keeps it. Wine's does nothing.
 *
 * As that of Windows it takes NAME VALUE [/M], cuts a value after 1,024 characters with a warning, and keeps a value with
 * a per cent sign as REG_EXPAND_SZ. Its other forms (/K, /F, another computer) are refused.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define LONGEST 1024
#define MACHINE L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"

static int wrong(const char *text)
{
    fprintf(stderr, "ERROR: %s\n", text);
    return 1;
}

static int is_option(const WCHAR *word, const WCHAR *name)
{
    return (*word == '/' || *word == '-') && !_wcsicmp(word + 1, name);
}

int wmain(int argc, WCHAR **argv)
{
    const WCHAR *words[2] = {NULL, NULL};
    static WCHAR value[LONGEST + 1];
    int given = 0, machine = 0;
    LONG failed;
    HKEY key;

    for (int at = 1; at < argc; at++) {
        if (is_option(argv[at], L"m")) { machine = 1; continue; }
        if (is_option(argv[at], L"?")) {
            printf("SETX NAME VALUE [/M]\n\nSets a variable of the user, or with /M of the machine, for the programs "
                   "that start from now on.\n");
            return 0;
        }
        for (const WCHAR **other = (const WCHAR *[]){L"s", L"u", L"p", L"k", L"f", L"a", L"r", L"d", L"x", NULL};
             *other; other++)
            if (is_option(argv[at], *other))
                return wrong("setx of this sandbox takes NAME VALUE [/M] and nothing else.");
        if (given == 2)
            return wrong("Invalid syntax. Default option is not allowed more than '2' time(s).\n"
                         "Type \"SETX /?\" for usage.");
        words[given++] = argv[at];
    }
    if (given < 2 || !*words[0]) return wrong("Invalid syntax.\nType \"SETX /?\" for usage.");
    if (wcslen(words[1]) > LONGEST)
        fprintf(stderr, "WARNING: The data being saved is truncated to %d characters.\n", LONGEST);
    wcsncpy(value, words[1], LONGEST);
    failed = RegCreateKeyExW(machine ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER, machine ? MACHINE : L"Environment", 0,
                             NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (!failed) {
        failed = RegSetValueExW(key, words[0], 0, wcschr(value, '%') ? REG_EXPAND_SZ : REG_SZ, (const BYTE *)value,
                                (wcslen(value) + 1) * sizeof *value);
        RegCloseKey(key);
    }
    if (failed == ERROR_ACCESS_DENIED) return wrong("Access to the registry path is denied.");
    if (failed) {
        fprintf(stderr, "ERROR: the registry cannot be written (%ld).\n", failed);
        return 1;
    }
    printf("\nSUCCESS: Specified value was saved.\n");
    return 0;
}
