/* SPDX-License-Identifier: Apache-2.0 */
/* What a program that leaves the verdict on a certificate to Windows is told.
 *
 *   tls get HOST PORT [FLAGS]   WinHTTP: "ok", or the error; FLAGS are SECURITY_FLAG_IGNORE_*
 *   tls chain FILE HOST         the certificate in FILE (DER): what its chain lacks, what the two policies say
 *   tls add STORE FILE          put it into the store ROOT, of the user or of the machine
 */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>
#include <wincrypt.h>
#include <winhttp.h>

static PCCERT_CONTEXT certificate(const WCHAR *path)
{
    static BYTE bytes[65536];
    FILE *file = _wfopen(path, L"rb");

    return file ? CertCreateCertificateContext(X509_ASN_ENCODING, bytes, fread(bytes, 1, sizeof bytes, file)) : NULL;
}

static int get(const WCHAR *host, int port, DWORD flags)
{
    HINTERNET session = WinHttpOpen(L"tls", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
    HINTERNET connection = WinHttpConnect(session, host, port, 0);
    HINTERNET request = WinHttpOpenRequest(connection, L"GET", L"/", NULL, NULL, NULL, WINHTTP_FLAG_SECURE);

    if (flags) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof flags);
    if (WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0) && WinHttpReceiveResponse(request, NULL)) puts("ok");
    else printf("error %lu\n", GetLastError());
    return 0;
}

static DWORD policy(PCCERT_CHAIN_CONTEXT chain, const char *which, WCHAR *host)
{
    SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {.cbSize = sizeof ssl, .dwAuthType = AUTHTYPE_SERVER,
                                            .pwszServerName = host};
    CERT_CHAIN_POLICY_PARA asked = {.cbSize = sizeof asked, .pvExtraPolicyPara = host ? &ssl : NULL};
    CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status};

    if (!CertVerifyCertificateChainPolicy(which, chain, &asked, &status)) return GetLastError();
    return status.dwError;
}

static int chain(const WCHAR *path, WCHAR *host)
{
    CERT_CHAIN_PARA asked = {.cbSize = sizeof asked};
    PCCERT_CONTEXT leaf = certificate(path);
    PCCERT_CHAIN_CONTEXT made;

    if (!leaf || !CertGetCertificateChain(NULL, leaf, NULL, NULL, &asked, 0, NULL, &made)) return GetLastError();
    printf("%08lx %08lx %08lx\n", made->TrustStatus.dwErrorStatus, policy(made, CERT_CHAIN_POLICY_BASE, NULL),
           policy(made, CERT_CHAIN_POLICY_SSL, host));
    return 0;
}

static int add(const WCHAR *where, const WCHAR *path)
{
    DWORD place = wcscmp(where, L"user") ? CERT_SYSTEM_STORE_LOCAL_MACHINE : CERT_SYSTEM_STORE_CURRENT_USER;
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, place, L"ROOT");
    PCCERT_CONTEXT given = certificate(path);

    if (!store || !given) return GetLastError();
    if (!CertAddCertificateContextToStore(store, given, CERT_STORE_ADD_REPLACE_EXISTING, NULL)) return GetLastError();
    return !CertCloseStore(store, 0);
}

int wmain(int count, WCHAR **argument)
{
    if (count > 3 && !wcscmp(argument[1], L"get"))
        return get(argument[2], _wtoi(argument[3]), count > 4 ? wcstoul(argument[4], NULL, 0) : 0);
    if (count > 3 && !wcscmp(argument[1], L"chain")) return chain(argument[2], argument[3]);
    if (count > 3) return add(argument[2], argument[3]);
    return 2;
}
