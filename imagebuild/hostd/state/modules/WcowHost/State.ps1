# SPDX-License-Identifier: Apache-2.0
# The state document of a stand-in host, which its user writes and reads with 'wcow host state': what the cmdlets of these
# modules say of the machine. A change is written whole, by one process at a time.

$script:StatePath = Join-Path $env:ProgramData 'wcow\state.json'

function Read-HostState {
    try { $text = [IO.File]::ReadAllText($script:StatePath) } catch [IO.FileNotFoundException], [IO.DirectoryNotFoundException] { $text = '{}' }
    try { ConvertFrom-Json -InputObject $text -AsHashtable } catch {
        throw "The state document of this host cannot be read ($script:StatePath): write it anew with 'wcow host state'."
    }
}

# Calls a block with the document as it is, and writes what it made of it.
function Edit-HostState([scriptblock] $Change) {
    $mutex = [Threading.Mutex]::new($false, 'Global\wcow-host-state')
    try { [void] $mutex.WaitOne() } catch [Threading.AbandonedMutexException] { $null = $_ }
    try {
        $state = Read-HostState
        & $Change $state
        $draft = "$script:StatePath.$PID"
        [void] [IO.Directory]::CreateDirectory((Split-Path $script:StatePath))
        [IO.File]::WriteAllText($draft, (ConvertTo-Json -InputObject $state -Depth 16))
        [IO.File]::Move($draft, $script:StatePath, $true)
    } finally {
        $mutex.ReleaseMutex()
        $mutex.Dispose()
    }
}

# A table of the document, made when it is missing.
function Get-StateTable($State, [string] $Name) {
    if ($null -eq $State[$Name]) { $State[$Name] = [ordered]@{} }
    , $State[$Name]
}

# The key of a table that is this name in any case.
function Find-StateKey($Table, [string] $Name) { $Table.Keys | Where-Object { $_ -eq $Name } | Select-Object -First 1 }

# A restart is due, and why (the words of pending_reboot in 'wcow doctor facts').
function Add-PendingReboot($State, [string] $Reason) {
    if (@($State.pending_reboot) -notcontains $Reason) { $State.pending_reboot = @(@($State.pending_reboot) + $Reason | Where-Object { $_ }) }
    $keys = @{ 'component-servicing' = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
        'windows-update' = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired' }
    if ($keys[$Reason] -and -not (Test-Path -LiteralPath $keys[$Reason])) { [void] (New-Item -Path $keys[$Reason] -Force) }
}

function Restart-Host { & "$env:SystemRoot\System32\shutdown.exe" /r /t 0 | Out-Null }

function Get-HostFeatures { ConvertFrom-Json -InputObject ([IO.File]::ReadAllText((Join-Path $PSScriptRoot features.json))) }
