/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts by name and by SID (windows/sid.py, which names its sources, in C). Wine's LookupAccountName knows few. */
#include "accounts.h"

#include <sddl.h>
#include <stdio.h>
#include <wchar.h>

static const struct { const WCHAR *sid, *domain, *name; } KNOWN[] = {
    {L"S-1-0-0", L"", L"NULL SID"},
    {L"S-1-1-0", L"", L"Everyone"},
    {L"S-1-2-0", L"", L"LOCAL"},
    {L"S-1-2-1", L"", L"CONSOLE LOGON"},
    {L"S-1-3-0", L"", L"CREATOR OWNER"},
    {L"S-1-3-1", L"", L"CREATOR GROUP"},
    {L"S-1-3-2", L"", L"CREATOR OWNER SERVER"},
    {L"S-1-3-3", L"", L"CREATOR GROUP SERVER"},
    {L"S-1-3-4", L"", L"OWNER RIGHTS"},
    {L"S-1-5-1", L"NT AUTHORITY", L"DIALUP"},
    {L"S-1-5-2", L"NT AUTHORITY", L"NETWORK"},
    {L"S-1-5-3", L"NT AUTHORITY", L"BATCH"},
    {L"S-1-5-4", L"NT AUTHORITY", L"INTERACTIVE"},
    {L"S-1-5-6", L"NT AUTHORITY", L"SERVICE"},
    {L"S-1-5-7", L"NT AUTHORITY", L"ANONYMOUS LOGON"},
    {L"S-1-5-8", L"NT AUTHORITY", L"PROXY"},
    {L"S-1-5-9", L"NT AUTHORITY", L"ENTERPRISE DOMAIN CONTROLLERS"},
    {L"S-1-5-10", L"NT AUTHORITY", L"SELF"},
    {L"S-1-5-11", L"NT AUTHORITY", L"Authenticated Users"},
    {L"S-1-5-12", L"NT AUTHORITY", L"RESTRICTED"},
    {L"S-1-5-13", L"NT AUTHORITY", L"TERMINAL SERVER USER"},
    {L"S-1-5-14", L"NT AUTHORITY", L"REMOTE INTERACTIVE LOGON"},
    {L"S-1-5-15", L"NT AUTHORITY", L"This Organization"},
    {L"S-1-5-17", L"NT AUTHORITY", L"IUSR"},
    {L"S-1-5-18", L"NT AUTHORITY", L"SYSTEM"},
    {L"S-1-5-19", L"NT AUTHORITY", L"LOCAL SERVICE"},
    {L"S-1-5-20", L"NT AUTHORITY", L"NETWORK SERVICE"},
    {L"S-1-5-33", L"NT AUTHORITY", L"WRITE RESTRICTED"},
    {L"S-1-5-113", L"NT AUTHORITY", L"Local account"},
    {L"S-1-5-114", L"NT AUTHORITY", L"Local account and member of Administrators group"},
    {L"S-1-5-64-10", L"NT AUTHORITY", L"NTLM Authentication"},
    {L"S-1-5-64-14", L"NT AUTHORITY", L"SChannel Authentication"},
    {L"S-1-5-64-21", L"NT AUTHORITY", L"Digest Authentication"},
    {L"S-1-5-65-1", L"NT AUTHORITY", L"This Organization Certificate"},
    {L"S-1-5-84-0-0-0-0-0", L"NT AUTHORITY", L"USER MODE DRIVERS"},
    {L"S-1-5-32-544", L"BUILTIN", L"Administrators"},
    {L"S-1-5-32-545", L"BUILTIN", L"Users"},
    {L"S-1-5-32-546", L"BUILTIN", L"Guests"},
    {L"S-1-5-32-547", L"BUILTIN", L"Power Users"},
    {L"S-1-5-32-548", L"BUILTIN", L"Account Operators"},
    {L"S-1-5-32-549", L"BUILTIN", L"Server Operators"},
    {L"S-1-5-32-550", L"BUILTIN", L"Print Operators"},
    {L"S-1-5-32-551", L"BUILTIN", L"Backup Operators"},
    {L"S-1-5-32-552", L"BUILTIN", L"Replicator"},
    {L"S-1-5-32-554", L"BUILTIN", L"Pre-Windows 2000 Compatible Access"},
    {L"S-1-5-32-555", L"BUILTIN", L"Remote Desktop Users"},
    {L"S-1-5-32-556", L"BUILTIN", L"Network Configuration Operators"},
    {L"S-1-5-32-557", L"BUILTIN", L"Incoming Forest Trust Builders"},
    {L"S-1-5-32-558", L"BUILTIN", L"Performance Monitor Users"},
    {L"S-1-5-32-559", L"BUILTIN", L"Performance Log Users"},
    {L"S-1-5-32-560", L"BUILTIN", L"Windows Authorization Access Group"},
    {L"S-1-5-32-561", L"BUILTIN", L"Terminal Server License Servers"},
    {L"S-1-5-32-562", L"BUILTIN", L"Distributed COM Users"},
    {L"S-1-5-32-568", L"BUILTIN", L"IIS_IUSRS"},
    {L"S-1-5-32-569", L"BUILTIN", L"Cryptographic Operators"},
    {L"S-1-5-32-573", L"BUILTIN", L"Event Log Readers"},
    {L"S-1-5-32-574", L"BUILTIN", L"Certificate Service DCOM Access"},
    {L"S-1-5-32-575", L"BUILTIN", L"RDS Remote Access Servers"},
    {L"S-1-5-32-576", L"BUILTIN", L"RDS Endpoint Servers"},
    {L"S-1-5-32-577", L"BUILTIN", L"RDS Management Servers"},
    {L"S-1-5-32-578", L"BUILTIN", L"Hyper-V Administrators"},
    {L"S-1-5-32-579", L"BUILTIN", L"Access Control Assistance Operators"},
    {L"S-1-5-32-580", L"BUILTIN", L"Remote Management Users"},
    {L"S-1-5-32-581", L"BUILTIN", L"System Managed Accounts Group"},
    {L"S-1-5-32-582", L"BUILTIN", L"Storage Replica Administrators"},
    {L"S-1-5-32-583", L"BUILTIN", L"Device Owners"},
    {L"S-1-5-80-0", L"NT SERVICE", L"ALL SERVICES"},
    {L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", L"NT SERVICE", L"TrustedInstaller"},
    {L"S-1-5-83-0", L"NT VIRTUAL MACHINE", L"Virtual Machines"},
    {L"S-1-5-90-0", L"Window Manager", L"Window Manager Group"},
    {L"S-1-5-93-2-1", L"User Manager", L"ContainerAdministrator"},
    {L"S-1-5-93-2-2", L"User Manager", L"ContainerUser"},
    {L"S-1-15-2-1", L"APPLICATION PACKAGE AUTHORITY", L"ALL APPLICATION PACKAGES"},
    {L"S-1-15-2-2", L"APPLICATION PACKAGE AUTHORITY", L"ALL RESTRICTED APPLICATION PACKAGES"},
    {L"S-1-15-3-1", L"APPLICATION PACKAGE AUTHORITY", L"Your Internet connection"},
    {L"S-1-18-1", L"", L"Authentication authority asserted identity"},
    {L"S-1-18-2", L"", L"Service asserted identity"},
};
#define COUNT (sizeof KNOWN / sizeof *KNOWN)
#define HASHED 5 /* sub-authorities of a SHA-1 */

typedef void (WINAPI *hash_start)(void *);
typedef void (WINAPI *hash_more)(void *, const void *, ULONG);

static int from_text(const WCHAR *text, BYTE *out)
{
    PSID sid;

    if (!ConvertStringSidToSidW(text, &sid)) return 0;
    CopySid(SID_ROOM, out, sid);
    LocalFree(sid);
    return 1;
}

/* S-1-5-KIND and the SHA-1 of a name, for which nothing has to be asked. */
static int hashed(DWORD kind, const WCHAR *name, BYTE *out)
{
    SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
    HMODULE library = LoadLibraryW(L"advapi32.dll");
    hash_start start = (hash_start)(void *)GetProcAddress(library, "A_SHAInit");
    hash_more more = (hash_more)(void *)GetProcAddress(library, "A_SHAUpdate");
    hash_more end = (hash_more)(void *)GetProcAddress(library, "A_SHAFinal");
    DWORD state[64], digest[HASHED];

    if (!start || !more || !end) return 0;
    start(state);
    more(state, name, (ULONG)(wcslen(name) * sizeof *name));
    end(state, digest, 0);
    InitializeSid((SID *)out, &authority, HASHED + 1);
    *GetSidSubAuthority((SID *)out, 0) = kind;
    for (DWORD i = 0; i < HASHED; i++) *GetSidSubAuthority((SID *)out, i + 1) = digest[i];
    return 1;
}

int find_account(const WCHAR *name, BYTE *sid)
{
    const WCHAR *slash = wcschr(name, '\\'), *last = slash ? slash + 1 : name;
    WCHAR cased[NAME_ROOM];

    if (name[0] == '*') return from_text(name + 1, sid);
    if (!_wcsnicmp(name, L"S-1-", 4)) return from_text(name, sid);
    if (wcslen(name) >= NAME_ROOM) return 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (_wcsicmp(KNOWN[i].name, last)) continue;
        if (!slash || (wcslen(KNOWN[i].domain) == (size_t)(slash - name)
                       && !_wcsnicmp(KNOWN[i].domain, name, (size_t)(slash - name))))
            return from_text(KNOWN[i].sid, sid);
    }
    if (!slash || !*last) return 0;
    wcscpy(cased, last);
    if (!_wcsnicmp(name, L"NT SERVICE\\", 11)) return hashed(80, _wcsupr(cased), sid);
    if (!_wcsnicmp(name, L"IIS APPPOOL\\", 12)) return hashed(82, _wcslwr(cased), sid);
    return 0;
}

void name_account(const SID *sid, WCHAR *out)
{
    WCHAR *text;

    if (!ConvertSidToStringSidW((SID *)sid, &text)) {
        wcscpy(out, L"?");
        return;
    }
    wcscpy(out, text);
    for (unsigned i = 0; i < COUNT; i++)
        if (!wcscmp(KNOWN[i].sid, text))
            _snwprintf(out, NAME_ROOM, L"%ls%ls%ls", KNOWN[i].domain, *KNOWN[i].domain ? L"\\" : L"", KNOWN[i].name);
    LocalFree(text);
}
