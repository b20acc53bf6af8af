# SPDX-License-Identifier: Apache-2.0
# Classes of CIM on a stand-in host: what its state document says of the machine, in place of what the engine's CimCmdlets,
# which reads this file, finds by itself. A fact that the document lacks is answered as before.

. $PSScriptRoot\State.ps1

$script:Namespaces += 'root/standardcimv2', 'root/microsoft/windows/deviceguard', 'root/microsoft/windows/defender', 'root/securitycenter2', 'root/virtualization/v2'

# A class as it is, with properties changed: the block gets an instance and the machine of the document.
$script:Before = @{}
function Edit-Class([string] $Name, [scriptblock] $Change) {
    $script:Before[$Name] = $script:Classes[$Name], $Change
    $script:Classes[$Name] = [scriptblock]::Create("Get-Changed $Name")
}

function Get-Changed([string] $Name) {
    $machine = (Read-HostState).machine
    $find, $change = $script:Before[$Name]
    foreach ($table in & $find) { & $change $table $machine; $table }
}

Edit-Class Win32_OperatingSystem {
    param($table, $machine)
    if ($null -ne $machine.system.sku) { $table.OperatingSystemSKU = [uint32] $machine.system.sku }
    if ($machine.host.product) { $table.ProductType = [uint32] $(if ($machine.host.product -eq 'client') { 1 } else { 3 }) }
}

Edit-Class Win32_ComputerSystem {
    param($table, $machine)
    $facts = $machine.hypervisor
    if ($null -ne $facts.present) { $table.HypervisorPresent = [bool] $facts.present }
    if ($facts.manufacturer) { $table.Manufacturer = $facts.manufacturer }
    if ($facts.model) { $table.Model = $facts.model }
    if ($facts.memory) { $table.TotalPhysicalMemory = [uint64] $facts.memory }
    if ($facts.processors) { $table.NumberOfLogicalProcessors = [uint32] $facts.processors }
    if ($machine.host.product -eq 'client') { $table.DomainRole = [uint16] 0 }
}

Edit-Class Win32_Processor {
    param($table, $machine)
    $facts = $machine.hypervisor
    $makers = @{ intel = 'GenuineIntel'; amd = 'AuthenticAMD' }
    if ($facts.cpu) { $table.Manufacturer = $makers[$facts.cpu] ?? $facts.cpu }
    foreach ($pair in @{ firmware = 'VirtualizationFirmwareEnabled'; slat = 'SecondLevelAddressTranslationExtensions'; monitor = 'VMMonitorModeExtensions' }.GetEnumerator()) {
        if ($null -ne $facts -and $null -ne $facts[$pair.Key]) { $table[$pair.Value] = [bool] $facts[$pair.Key] }
    }
}

$script:Disks = $script:Classes.Win32_LogicalDisk
$script:Classes.Win32_LogicalDisk = {
    $volumes = (Read-HostState).machine.volumes
    if ($null -eq $volumes) { return & $script:Disks }
    foreach ($volume in $volumes) {
        [ordered]@{ DeviceID = $volume.drive; Name = $volume.drive; Caption = $volume.drive; DriveType = [uint32] 3; FileSystem = $volume.file_system; Size = $volume.size; FreeSpace = $volume.free
            VolumeName = ''; Description = 'Local Fixed Disk'; MediaType = [uint32] 12 }
    }
}

$script:Classes.Win32_OptionalFeature = {
    $numbers = @{ Enabled = 1; EnablePending = 2; Disabled = 2; DisablePending = 1; DisabledWithPayloadRemoved = 3 }
    $table = (Read-HostState).optional
    $known = Get-HostFeatures
    foreach ($name in $table.Keys) {
        [ordered]@{ Name = $name; Caption = ($known | Where-Object { $_.optional -eq $name }).display; InstallState = [uint32] $numbers[$table[$name]]; Status = $null }
    }
}

$script:Classes.Win32_QuickFixEngineering = {
    foreach ($update in (Read-HostState).updates | Where-Object { $_.installed }) {
        [ordered]@{ HotFixID = $update.kb; Description = 'Update'; Caption = "https://support.microsoft.com/?kbid=$($update.kb -replace '\D')"; InstalledBy = 'NT AUTHORITY\SYSTEM'; CSName = [Environment]::MachineName }
    }
}

$script:Classes.Win32_SystemEnclosure = {
    [ordered]@{ Name = 'System Enclosure'; SMBIOSAssetTag = "$((Read-HostState).machine.hypervisor.asset)"; Manufacturer = 'wcow'; ChassisTypes = @([uint16] 23) }
}

$script:Classes.Win32_DeviceGuard = {
    $status = (Read-HostState).machine.hypervisor.vbs
    if ($null -ne $status) { [ordered]@{ VirtualizationBasedSecurityStatus = [uint32] $status } }
}

$script:Classes.Win32_SystemDriver = {
    foreach ($filter in (Read-HostState).machine.filters) {
        [ordered]@{ Name = $filter.name; DisplayName = $filter.name; Started = [bool] $filter.running; State = $(if ($filter.running) { 'Running' } else { 'Stopped' }); PathName = "C:\ProgramData\wcow\drivers\$($filter.name).sys"; ServiceType = 'File System Driver' }
    }
}

$script:Classes.MSFT_NetIPAddress = {
    $adapters = (Read-HostState).machine.network.adapters
    if ($null -eq $adapters) {
        foreach ($nic in [Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
            foreach ($one in $nic.GetIPProperties().UnicastAddresses) { [ordered]@{ InterfaceAlias = $nic.Name; IPAddress = "$($one.Address)"; PrefixLength = [byte] $one.PrefixLength } }
        }
        return
    }
    foreach ($adapter in $adapters) {
        foreach ($address in $adapter.addresses) { $ip, $length = $address -split '/'; [ordered]@{ InterfaceAlias = $adapter.name; IPAddress = $ip; PrefixLength = [byte] $length } }
    }
}

$script:Classes.MSFT_NetNat = {
    foreach ($prefix in (Read-HostState).machine.network.nats) { [ordered]@{ Name = $prefix; InternalIPInterfaceAddressPrefix = $prefix; Active = $true } }
}

$script:Classes.MSFT_MpPreference = { [ordered]@{ ExclusionPath = @((Read-HostState).defender.ExclusionPath | Where-Object { $_ }) } }

$script:Classes.MSFT_MpComputerStatus = {
    $state = Read-HostState
    [ordered]@{ RealTimeProtectionEnabled = [bool] $state.machine.antivirus.realtime -and -not $state.defender.DisableRealtimeMonitoring }
}

$script:Classes.AntiVirusProduct = {
    foreach ($name in (Read-HostState).machine.antivirus.others) { [ordered]@{ displayName = $name; instanceGuid = '{' + [guid]::NewGuid() + '}'; productState = [uint32] 397568 } }
}

function Get-GuestSettings([scriptblock] $Table) {
    foreach ($guest in (Read-HostState).machine.hypervisor.guests) { & $Table $guest "Microsoft:$([guid]::new([Security.Cryptography.MD5]::HashData([Text.Encoding]::UTF8.GetBytes($guest.name))))" }
}

$script:Classes.Msvm_VirtualSystemSettingData = {
    Get-GuestSettings { param($guest, $id) [ordered]@{ ElementName = $guest.name; InstanceID = $id; Version = $guest.version; VirtualSystemType = 'Microsoft:Hyper-V:System:Realized' } }
}

$script:Classes.Msvm_ProcessorSettingData = {
    Get-GuestSettings { param($guest, $id) [ordered]@{ InstanceID = "$id\processor"; ExposeVirtualizationExtensions = $guest.nested; VirtualQuantity = $guest.processors } }
}

$script:Classes.Msvm_MemorySettingData = {
    Get-GuestSettings { param($guest, $id) [ordered]@{ InstanceID = "$id\memory"; VirtualQuantity = $guest.memory / 1MB; DynamicMemoryEnabled = $guest.dynamic } }
}
