# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The engine's static archive: fetched, checked, unpacked beside its place, and moved there file by file.

#AnsibleRequires -PowerShell ..module_utils._json
#AnsibleRequires -PowerShell ..module_utils._program

$script:Note = 'wcow-engine.json'
$script:Usual = 'docker.exe', 'dockerd.exe', 'docker-proxy.exe', 'containerd.exe', 'containerd-shim-runhcs-v1.exe', 'ctr.exe'
$script:EnvironmentKey = 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment'

Function Save-EngineArchive {
    <#
    .SYNOPSIS
    Fetches an address into a file. Throws with what the server said.
    #>
    param (
        [Parameter(Mandatory = $true)][string]$Url,
        [Parameter(Mandatory = $true)][string]$Path,
        [AllowNull()][AllowEmptyString()][string]$User,
        [AllowNull()][AllowEmptyString()][string]$Password,
        [int]$Seconds = 600
    )

    # Windows PowerShell draws its progress so slowly that it decides the time, and offers TLS 1.0 alone on old builds.
    $ProgressPreference = 'SilentlyContinue'
    [System.Net.ServicePointManager]::SecurityProtocol = [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
    $more = @{}
    if ($User) {
        $pair = [System.Text.Encoding]::UTF8.GetBytes("${User}:${Password}")
        $more.Headers = @{ Authorization = 'Basic ' + [Convert]::ToBase64String($pair) }
    }
    try {
        $null = Invoke-WebRequest -Uri $Url -OutFile $Path -UseBasicParsing -TimeoutSec $Seconds @more
    }
    catch {
        throw ('{0} cannot be fetched: {1}' -f $Url, $_.Exception.Message)
    }
}

Function Expand-Package {
    <#
    .SYNOPSIS
    Checks an archive's SHA-256 and unpacks the folder of it that holds dockerd.exe. Returns the checksum in hex.
    #>
    param (
        [Parameter(Mandatory = $true)][string]$Archive,
        [Parameter(Mandatory = $true)][string]$Checksum,
        [Parameter(Mandatory = $true)][string]$Folder
    )

    $expected = $Checksum.Trim().ToLowerInvariant() -replace '^sha256:', ''
    if ($expected -notmatch '^[0-9a-f]{64}$') { throw ("checksum has to be sha256: and 64 hexadecimal digits, and is '{0}'" -f $Checksum) }
    if (-not [System.IO.File]::Exists($Archive)) { throw ('there is no file {0} that this host can read' -f $Archive) }
    # Open from the check to the end, so that what is unpacked is what was checked.
    $stream = New-Object System.IO.FileStream $Archive, ([System.IO.FileMode]::Open), ([System.IO.FileAccess]::Read), ([System.IO.FileShare]::Read)
    try {
        $hash = [System.Security.Cryptography.SHA256]::Create()
        try { $sum = [BitConverter]::ToString($hash.ComputeHash($stream)).Replace('-', '').ToLowerInvariant() } finally { $hash.Dispose() }
        if ($sum -ne $expected) { throw ('the archive has the checksum sha256:{0}, and not sha256:{1}' -f $sum, $expected) }
        $stream.Position = 0
        Add-Type -AssemblyName System.IO.Compression
        try {
            $zip = New-Object System.IO.Compression.ZipArchive $stream, ([System.IO.Compression.ZipArchiveMode]::Read), $true
        }
        catch {
            throw ('the archive is not a zip: {0}' -f $_.Exception.Message)
        }
        try { Expand-Entry -Zip $zip -Folder $Folder } finally { $zip.Dispose() }
    }
    finally {
        $stream.Dispose()
    }
    return $sum
}

Function Expand-Entry {
    param ([System.IO.Compression.ZipArchive]$Zip, [string]$Folder)

    $daemon = @($Zip.Entries | Where-Object { $_.FullName -match '(^|[/\\])dockerd\.exe$' })
    if ($daemon.Count -ne 1) { throw ('the archive holds {0} files dockerd.exe, and not one' -f $daemon.Count) }
    $prefix = $daemon[0].FullName.Substring(0, $daemon[0].FullName.Length - 'dockerd.exe'.Length)
    $top = [System.IO.Path]::GetFullPath($Folder).TrimEnd('\') + '\'
    foreach ($entry in $Zip.Entries) {
        if (-not $entry.FullName.StartsWith($prefix, [StringComparison]::Ordinal) -or $entry.FullName -match '[/\\]$') { continue }
        $path = [System.IO.Path]::GetFullPath((Join-Path -Path $Folder -ChildPath $entry.FullName.Substring($prefix.Length)))
        if (-not $path.StartsWith($top, [StringComparison]::OrdinalIgnoreCase)) {
            throw ('the archive has an entry outside its folder: {0}' -f $entry.FullName)
        }
        $null = [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($path))
        $from = $entry.Open()
        try {
            $into = [System.IO.File]::Create($path)
            try { $from.CopyTo($into) } finally { $into.Dispose() }
        }
        finally {
            $from.Dispose()
        }
    }
}

Function Get-DaemonVersion {
    <#
    .SYNOPSIS
    Returns the version that a dockerd.exe says; what its file says where it does not start; null where neither helps.
    #>
    param ([Parameter(Mandatory = $true)][string]$Path)

    if (-not [System.IO.File]::Exists($Path)) { return $null }
    try {
        $done = Invoke-Program -Path $Path -Arguments '--version'
        if ($done.Code -eq 0 -and $done.Output -match '\bversion\s+v?([^,\s]+)') { return $Matches[1] }
    }
    catch {
        Write-Verbose -Message $_.Exception.Message
    }
    $said = [System.Diagnostics.FileVersionInfo]::GetVersionInfo($Path).ProductVersion
    if ($said) { return ($said -replace '^v', '') }
    return $null
}

Function Move-Package {
    <#
    .SYNOPSIS
    Moves unpacked files into their place, and those that were there aside. Returns Files (all, relative) and Replaced.
    When one cannot be moved, what was moved goes back, and this throws.
    #>
    param ([string]$From, [string]$Into, [string]$Aside)

    $moved = @{ Files = @(); Replaced = @() }
    try {
        foreach ($file in [System.IO.Directory]::GetFiles($From, '*', [System.IO.SearchOption]::AllDirectories)) {
            $name = $file.Substring($From.Length).TrimStart('\')
            $target = Join-Path -Path $Into -ChildPath $name
            if ([System.IO.File]::Exists($target)) {
                $kept = Join-Path -Path $Aside -ChildPath $name
                $null = [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($kept))
                [System.IO.File]::Move($target, $kept)
                $moved.Replaced += $name
            }
            $null = [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($target))
            [System.IO.File]::Move($file, $target)
            $moved.Files += $name
        }
    }
    catch {
        Restore-Package -Moved $moved -Folder $Into -Aside $Aside
        throw
    }
    return $moved
}

Function Restore-Package {
    <#
    .SYNOPSIS
    Puts back what Move-Package has moved aside, and removes what it has moved in.
    #>
    param ([hashtable]$Moved, [string]$Folder, [string]$Aside)

    foreach ($name in $Moved.Files) { [System.IO.File]::Delete((Join-Path -Path $Folder -ChildPath $name)) }
    foreach ($name in $Moved.Replaced) {
        $target = Join-Path -Path $Folder -ChildPath $name
        [System.IO.File]::Move((Join-Path -Path $Aside -ChildPath $name), $target)
    }
}

Function Remove-Package {
    <#
    .SYNOPSIS
    Removes the files that an installation brought, or the usual ones where nothing was noted, and the folder when it is
    empty then.
    #>
    param ([Parameter(Mandatory = $true)][string]$Folder, [AllowNull()]$Note)

    if (-not [System.IO.Directory]::Exists($Folder)) { return }
    $names = $script:Usual
    if ($Note -and $Note.files) { $names = @($Note.files) }
    foreach ($name in $names) { [System.IO.File]::Delete((Join-Path -Path $Folder -ChildPath $name)) }
    [System.IO.File]::Delete((Join-Path -Path $Folder -ChildPath $script:Note))
    foreach ($one in @([System.IO.Directory]::GetDirectories($Folder)) + $Folder) {
        if (@([System.IO.Directory]::GetFileSystemEntries($one)).Count -eq 0) { [System.IO.Directory]::Delete($one) }
    }
}

Function Get-PackageNote {
    <#
    .SYNOPSIS
    Returns what was noted when the engine in a folder was installed: version, checksum, files; null where nothing was.
    #>
    param ([Parameter(Mandatory = $true)][string]$Folder)

    $path = Join-Path -Path $Folder -ChildPath $script:Note
    if (-not [System.IO.File]::Exists($path)) { return $null }
    try {
        $read = ConvertFrom-StrictJson -Text ([System.IO.File]::ReadAllText($path))
        return @{ version = [string]$read['version']; checksum = [string]$read['checksum']; files = @($read['files'] | ForEach-Object { [string]$_ }) }
    }
    catch {
        return $null
    }
}

Function Set-PackageNote {
    <#
    .SYNOPSIS
    Notes what was installed into a folder.
    #>
    param ([string]$Folder, [AllowNull()][string]$Version, [string]$Checksum, [string[]]$File)

    $note = New-JsonObject
    $note['version'] = $Version
    $note['checksum'] = $Checksum
    $note['files'] = [object[]]$File
    $path = Join-Path -Path $Folder -ChildPath $script:Note
    [System.IO.File]::WriteAllText($path, (ConvertTo-StrictJson -Value $note) + "`n", (New-Object System.Text.UTF8Encoding $false))
}

Function Get-SearchPath {
    $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($script:EnvironmentKey)
    try {
        return [string]$key.GetValue('Path', '', [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
    }
    finally {
        $key.Close()
    }
}

Function Test-SearchPath {
    <#
    .SYNOPSIS
    Returns whether a folder is in the machine's PATH.
    #>
    param ([Parameter(Mandatory = $true)][string]$Folder)

    return @((Get-SearchPath).Split(';') | Where-Object { Test-SameFolder -Entry $_ -Folder $Folder }).Count -gt 0
}

# Whether an entry of PATH is this folder.
Function Test-SameFolder {
    param ([AllowEmptyString()][string]$Entry, [string]$Folder)

    return [Environment]::ExpandEnvironmentVariables($Entry.Trim().Trim('"')).TrimEnd('\') -eq $Folder.TrimEnd('\')
}

Function Set-SearchPath {
    <#
    .SYNOPSIS
    Puts a folder at the end of the machine's PATH, or with Absent takes it out; variables in it stay as they are.
    #>
    param ([Parameter(Mandatory = $true)][string]$Folder, [switch]$Absent)

    $there = Test-SearchPath -Folder $Folder
    if ($there -ne [bool]$Absent) { return }
    $parts = @((Get-SearchPath).Split(';') | Where-Object { $_.Trim() -and -not (Test-SameFolder -Entry $_ -Folder $Folder) })
    if (-not $Absent) { $parts += $Folder }
    $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($script:EnvironmentKey, $true)
    try {
        $key.SetValue('Path', ($parts -join ';'), [Microsoft.Win32.RegistryValueKind]::ExpandString)
    }
    finally {
        $key.Close()
    }
    # Removing a variable that is not there tells all windows that the environment has changed.
    [Environment]::SetEnvironmentVariable('WCOW_PATH_CHANGED', $null, 'Machine')
}

Function Remove-ServiceEntry {
    <#
    .SYNOPSIS
    Removes a service whose program is gone.
    #>
    param ([Parameter(Mandatory = $true)][string]$Name)

    $program = Join-Path -Path $env:SystemRoot -ChildPath 'System32\sc.exe'
    $done = Invoke-Program -Path $program -Arguments ('delete {0}' -f (ConvertTo-Argument -Value $Name))
    if ($done.Code -ne 0) { throw ("the service '{0}' cannot be removed: sc.exe ended with {1}" -f $Name, $done.Code) }
}

Export-ModuleMember -Function @(
    'Save-EngineArchive', 'Expand-Package', 'Move-Package', 'Restore-Package', 'Remove-Package', 'Get-DaemonVersion'
    'Get-PackageNote', 'Set-PackageNote', 'Test-SearchPath', 'Set-SearchPath', 'Remove-ServiceEntry'
)
