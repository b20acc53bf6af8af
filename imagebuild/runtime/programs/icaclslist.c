/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists as icacls reads, changes and shows them. The letters and their masks: Microsoft's page "icacls";
 * what a deny is made of, and how masks are shown, as icacls of Windows prints them. */
#include "icacls.h"

#include <stdio.h>
#include <wchar.h>

#define FULL 0x1F01FF
#define DOWN (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | INHERIT_ONLY_ACE | NO_PROPAGATE_INHERIT_ACE)

static const struct { const WCHAR *name; DWORD mask; } SIMPLE[] = {
    {L"F", FULL}, {L"M", 0x1301BF}, {L"RX", 0x1200A9}, {L"R", 0x120089}, {L"W", 0x100116}, {L"D", 0x110000},
}, SPECIFIC[] = {
    {L"DE", DELETE}, {L"RC", READ_CONTROL}, {L"WDAC", WRITE_DAC}, {L"WO", WRITE_OWNER}, {L"S", SYNCHRONIZE},
    {L"AS", ACCESS_SYSTEM_SECURITY}, {L"MA", MAXIMUM_ALLOWED}, {L"GR", GENERIC_READ}, {L"GW", GENERIC_WRITE},
    {L"GE", GENERIC_EXECUTE}, {L"GA", GENERIC_ALL}, {L"RD", 0x1}, {L"WD", 0x2}, {L"AD", 0x4}, {L"REA", 0x8},
    {L"WEA", 0x10}, {L"X", 0x20}, {L"DC", 0x40}, {L"RA", 0x80}, {L"WA", 0x100},
};
static const struct { const WCHAR *name; BYTE flag; } SHARED[] = {
    {L"I", INHERITED_ACE}, {L"OI", OBJECT_INHERIT_ACE}, {L"CI", CONTAINER_INHERIT_ACE}, {L"IO", INHERIT_ONLY_ACE},
    {L"NP", NO_PROPAGATE_INHERIT_ACE},
};
#define LENGTH(table) (sizeof table / sizeof *table)

static int is(const WCHAR *text, size_t length, const WCHAR *name)
{
    return wcslen(name) == length && !_wcsnicmp(text, name, length);
}

/* One word, or several with commas. */
static int add_rights(const WCHAR *text, size_t length, DWORD *mask)
{
    while (length) {
        size_t end = 0, known = 0;

        while (end < length && text[end] != ',') end++;
        for (unsigned i = 0; i < LENGTH(SIMPLE); i++)
            if (is(text, end, SIMPLE[i].name)) *mask |= SIMPLE[i].mask, known = 1;
        for (unsigned i = 0; i < LENGTH(SPECIFIC); i++)
            if (is(text, end, SPECIFIC[i].name)) *mask |= SPECIFIC[i].mask, known = 1;
        if (!known && !is(text, end, L"N")) return 0;
        text += end;
        length -= end;
        if (length) text++, length--;
    }
    return 1;
}

int read_rights(const WCHAR *text, DWORD *mask, BYTE *flags)
{
    *mask = 0;
    *flags = 0;
    if (!*text) return 0;
    while (*text) {
        const WCHAR *end = *text == '(' ? wcschr(text, ')') : text + wcslen(text);
        const WCHAR *word = *text == '(' ? text + 1 : text;
        int known = 0;

        if (!end || end == word) return 0;
        for (unsigned i = 1; i < LENGTH(SHARED); i++)
            if (is(word, (size_t)(end - word), SHARED[i].name)) *flags |= SHARED[i].flag, known = 1;
        if (!known && !add_rights(word, (size_t)(end - word), mask)) return 0;
        text = *end ? end + 1 : end;
    }
    return 1;
}

static void add_word(WCHAR *out, const WCHAR *word)
{
    if (out[wcslen(out) - 1] != '(') wcscat(out, L",");
    wcscat(out, word);
}

void show_rights(const ACE_HEADER *entry, WCHAR *out)
{
    DWORD mask = ((const ACCESS_ALLOWED_ACE *)entry)->Mask, rest = mask;

    *out = 0;
    for (unsigned i = 0; i < LENGTH(SHARED); i++)
        if (entry->AceFlags & SHARED[i].flag) wcscat(wcscat(wcscat(out, L"("), SHARED[i].name), L")");
    if (entry->AceType == ACCESS_DENIED_ACE_TYPE) {
        if ((mask & FULL) == FULL) {
            wcscat(out, L"(N)");
            return;
        }
        wcscat(out, L"(DENY)");
        rest |= SYNCHRONIZE; /* a deny of W is W without it */
    }
    wcscat(out, L"(");
    if (mask == GENERIC_ALL) rest = FULL;
    for (unsigned i = 0; i < LENGTH(SIMPLE); i++)
        if ((rest & SIMPLE[i].mask) == SIMPLE[i].mask && SIMPLE[i].mask) {
            add_word(out, SIMPLE[i].name);
            rest &= ~SIMPLE[i].mask;
            if (i < 4) rest &= ~(READ_CONTROL | SYNCHRONIZE);
        } else if (i == 4 && (rest & 0x116) == 0x116) { /* W beside R: they share SYNCHRONIZE */
            add_word(out, SIMPLE[i].name);
            rest &= ~(DWORD)0x116;
        }
    rest &= mask;
    for (unsigned i = 0; i < LENGTH(SPECIFIC); i++)
        if (rest & SPECIFIC[i].mask) add_word(out, SPECIFIC[i].name);
    wcscat(out, L")");
}

/* --- changes -------------------------------------------------------------------------------------------------------- */

struct entries {
    int count;
    BYTE room[MOST_ENTRIES][8 + SID_ROOM + 64]; /* each in room for the longest */
};

static ACE_HEADER *head(struct entries *all, int i)
{
    return (ACE_HEADER *)all->room[i];
}


static int is_of(const ACE_HEADER *entry, BYTE type, const BYTE *sid)
{
    return entry->AceType == type && !(entry->AceFlags & INHERITED_ACE)
           && EqualSid(&((ACCESS_ALLOWED_ACE *)entry)->SidStart, (PSID)sid);
}

static int add(struct entries *all, BYTE type, const struct change *change, DWORD mask)
{
    ACCESS_ALLOWED_ACE *to;
    DWORD size = GetLengthSid((PSID)change->sid);

    for (int i = 0; i < all->count; i++)
        if (is_of(head(all, i), type, change->sid) && (head(all, i)->AceFlags & DOWN) == change->flags) {
            ((ACCESS_ALLOWED_ACE *)head(all, i))->Mask |= mask;
            return 1;
        }
    if (all->count == MOST_ENTRIES) return 0;
    to = (ACCESS_ALLOWED_ACE *)head(all, all->count++);
    to->Header.AceType = type;
    to->Header.AceFlags = change->flags;
    to->Header.AceSize = (WORD)(8 + size);
    to->Mask = mask;
    CopySid(size, &to->SidStart, (PSID)change->sid);
    return 1;
}

static void drop(struct entries *all, int i)
{
    all->count--;
    memmove(all->room[i], all->room[i + 1], (size_t)(all->count - i) * sizeof *all->room);
}

static void drop_of(struct entries *all, const BYTE *sid, int which)
{
    for (int i = all->count; i--;)
        if ((which & ALLOWED && is_of(head(all, i), ACCESS_ALLOWED_ACE_TYPE, sid))
            || (which & DENIED && is_of(head(all, i), ACCESS_DENIED_ACE_TYPE, sid)))
            drop(all, i);
}

/* A right that is denied is not granted any more; the deny of less than all leaves SYNCHRONIZE, without which no file can
 * be opened. */
static int deny(struct entries *all, const struct change *change)
{
    DWORD mask = (change->mask & FULL) == FULL ? change->mask : change->mask & ~(DWORD)SYNCHRONIZE;

    for (int i = all->count; i--;)
        if (is_of(head(all, i), ACCESS_ALLOWED_ACE_TYPE, change->sid)) {
            ACCESS_ALLOWED_ACE *entry = (ACCESS_ALLOWED_ACE *)head(all, i);

            entry->Mask &= ~mask;
            if (!entry->Mask) drop(all, i);
        }
    return add(all, ACCESS_DENIED_ACE_TYPE, change, mask);
}

static void inherit(struct entries *all, int how)
{
    for (int i = all->count; i--;)
        if (head(all, i)->AceFlags & INHERITED_ACE) {
            if (how == 'r') drop(all, i);
            else if (how == 'd') head(all, i)->AceFlags &= (BYTE)~INHERITED_ACE;
        }
}

/* The order that Windows asks for: what is denied, what is allowed, what is inherited. */
static int rank(const ACE_HEADER *entry)
{
    return entry->AceFlags & INHERITED_ACE ? 2 : entry->AceType != ACCESS_DENIED_ACE_TYPE;
}

int changed_list(const ACL *list, int protected, const struct change *changes, int count, ACL *out,
                 SECURITY_INFORMATION *bits)
{
    static struct entries all;
    ACE_HEADER *entry;

    all.count = 0;
    for (DWORD i = 0; list && i < list->AceCount; i++) {
        if (!GetAce((ACL *)list, i, (void **)&entry)) return 0;
        if (all.count == MOST_ENTRIES || entry->AceSize > sizeof *all.room) return 0;
        memcpy(all.room[all.count++], entry, entry->AceSize);
    }
    for (int i = 0; i < count; i++) {
        const struct change *one = &changes[i];
        int fits = 1;

        if (one->verb == GRANT) {
            if (one->replace) drop_of(&all, one->sid, ALLOWED);
            fits = !one->mask || add(&all, ACCESS_ALLOWED_ACE_TYPE, one, one->mask | SYNCHRONIZE);
        } else if (one->verb == DENY) fits = deny(&all, one);
        else if (one->verb == REMOVE) drop_of(&all, one->sid, one->replace);
        else if (one->verb == RESET) all.count = 0, protected = 0;
        else if (one->verb == INHERIT) {
            inherit(&all, one->replace);
            protected = one->replace != 'e';
        }
        if (!fits) return 0;
    }
    InitializeAcl(out, LIST_ROOM, ACL_REVISION);
    for (int order = 0; order < 3; order++)
        for (int i = 0; i < all.count; i++)
            if (rank(head(&all, i)) == order && !AddAce(out, ACL_REVISION, MAXDWORD, all.room[i], head(&all, i)->AceSize))
                return 0;
    *bits = DACL_SECURITY_INFORMATION
            | (protected ? PROTECTED_DACL_SECURITY_INFORMATION : UNPROTECTED_DACL_SECURITY_INFORMATION);
    return 1;
}
