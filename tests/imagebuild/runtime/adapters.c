/* SPDX-License-Identifier: Apache-2.0 */
/* The network adapters as programs list them: for each way to ask the error, and the addresses. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <stdio.h>

int main(void)
{
    static const ULONG ways[] = {0, GAA_FLAG_INCLUDE_PREFIX, GAA_FLAG_INCLUDE_PREFIX | GAA_FLAG_INCLUDE_GATEWAYS};
    static char buffer[65536];
    WSADATA started;

    WSAStartup(0x202, &started);
    for (int i = 0; i < 3; i++) {
        IP_ADAPTER_ADDRESSES *one = (void *)buffer;
        ULONG size = sizeof buffer, error = GetAdaptersAddresses(AF_UNSPEC, ways[i], NULL, one, &size);

        printf("way %d: %lu\n", i, error);
        for (; !error && one; one = one->Next)
            for (IP_ADAPTER_UNICAST_ADDRESS *at = one->FirstUnicastAddress; at; at = at->Next) {
                char text[64] = "";

                getnameinfo(at->Address.lpSockaddr, at->Address.iSockaddrLength, text, sizeof text, NULL, 0,
                            NI_NUMERICHOST);
                printf("%lu %ls %s\n", one->IfType, one->FriendlyName, text);
            }
    }
    return 0;
}
