/* SPDX-License-Identifier: Apache-2.0 */
/* Says what a program is told of its job, its processor group, and the processors of both; as Java asks. */
#include <windows.h>
#include <stdio.h>

int main(void)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounting = {0};
    GROUP_AFFINITY affinity = {0};
    DWORD needed = 0;
    USHORT count = 0, group = 9;
    ULONG_PTR own, all;
    BOOL inside = FALSE, first, second;

    IsProcessInJob(GetCurrentProcess(), NULL, &inside);
    first = QueryInformationJobObject(NULL, JobObjectGroupInformationEx, NULL, 0, &needed);
    printf("%d %d %lu %lu\n", inside, first, GetLastError(), needed / (DWORD)sizeof affinity);
    second = QueryInformationJobObject(NULL, JobObjectGroupInformationEx, &affinity, sizeof affinity, &needed);
    GetProcessAffinityMask(GetCurrentProcess(), &own, &all);
    printf("%d %d %d\n", second, affinity.Group, affinity.Mask == own);
    first = GetProcessGroupAffinity(GetCurrentProcess(), &count, NULL);
    printf("%d %lu %d\n", first, GetLastError(), count);
    second = GetProcessGroupAffinity(GetCurrentProcess(), &count, &group);
    printf("%d %d %d\n", second, count, group);
    first = QueryInformationJobObject(NULL, JobObjectBasicAccountingInformation, &accounting, 1, NULL);
    printf("%d %lu\n", first, GetLastError());
    return 0;
}
