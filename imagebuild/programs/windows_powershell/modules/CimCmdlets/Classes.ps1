# SPDX-License-Identifier: Apache-2.0
# The classes: a name and a script block that gives its instances as ordered tables. Names, types and units of the
# properties are those of Microsoft's pages "CIMWin32 WMI Providers". What a container cannot know is left out of the
# table, and is $null for those who ask.

function Get-WindowsVersion { Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' }

function Get-BootTime {
    # The earliest process of the box: a container boots when it starts.
    $first = Get-Process | ForEach-Object { try { $_.StartTime } catch { } } | Sort-Object | Select-Object -First 1
    if ($first) { $first } else { [DateTime]::Now.AddMilliseconds(-[Environment]::TickCount64) }
}

function Get-MemoryBytes { [uint64] [GC]::GetGCMemoryInfo().TotalAvailableMemoryBytes }

function Get-ServiceState([string] $Name) {
    try { $service = [ServiceProcess.ServiceController]::new($Name); $service.Status.ToString() } catch { 'Stopped' }
}

$script:StartModes = @{ 0 = 'Boot'; 1 = 'System'; 2 = 'Auto'; 3 = 'Manual'; 4 = 'Disabled' }
$script:DriveTypes = @{ Removable = 2; Fixed = 3; Network = 4; CDRom = 5; Ram = 6 }

$script:Classes = @{
    Win32_OperatingSystem = {
        $version = Get-WindowsVersion
        $build = [string] $version.CurrentBuild
        $memory = Get-MemoryBytes
        $server = $version.InstallationType -match 'Server|Nano'
        [ordered]@{
            Caption = "Microsoft $($version.ProductName)"; Version = "10.0.$build"; BuildNumber = $build
            BuildType = 'Multiprocessor Free'; CSName = [Environment]::MachineName; Name = "Microsoft $($version.ProductName)|C:\Windows|"
            Manufacturer = 'Microsoft Corporation'; OSArchitecture = '64-bit'; OSLanguage = [uint32] 1033; Locale = '0409'
            MUILanguages = @('en-US'); CountryCode = '1'; CodeSet = '1252'; OSType = [uint16] 18; Primary = $true
            ProductType = [uint32] $(if ($server) { 3 } else { 1 }); OperatingSystemSKU = [uint32] $(if ($server) { 12 } else { 48 })
            SystemDirectory = 'C:\Windows\system32'; WindowsDirectory = 'C:\Windows'; SystemDrive = 'C:'; BootDevice = '\Device\HarddiskVolume1'
            LastBootUpTime = Get-BootTime; LocalDateTime = [DateTime]::Now; CurrentTimeZone = [int16] [TimeZoneInfo]::Local.BaseUtcOffset.TotalMinutes
            InstallDate = $(if ($version.InstallDate) { [DateTimeOffset]::FromUnixTimeSeconds([uint32] $version.InstallDate).LocalDateTime })
            RegisteredUser = $version.RegisteredOwner; Organization = $version.RegisteredOrganization; SerialNumber = $version.ProductId
            TotalVisibleMemorySize = [uint64] ($memory / 1KB); FreePhysicalMemory = [uint64] ($memory / 1KB)
            TotalVirtualMemorySize = [uint64] ($memory / 1KB); FreeVirtualMemory = [uint64] ($memory / 1KB)
            NumberOfProcesses = [uint32] @(Get-Process).Count; NumberOfUsers = [uint32] 0; Status = 'OK'
            ServicePackMajorVersion = [uint16] 0; ServicePackMinorVersion = [uint16] 0; DataExecutionPrevention_Available = $true
        }
    }
    Win32_ComputerSystem = {
        $processors = [uint32] [Environment]::ProcessorCount
        [ordered]@{
            Name = [Environment]::MachineName; DNSHostName = [Environment]::MachineName; Domain = 'WORKGROUP'; Workgroup = 'WORKGROUP'
            PartOfDomain = $false; DomainRole = [uint16] 2; Manufacturer = 'wcow'; Model = 'container'; SystemFamily = ''; SystemSKUNumber = ''
            SystemType = 'x64-based PC'; PCSystemType = [uint16] 4; NumberOfProcessors = [uint32] 1; NumberOfLogicalProcessors = $processors
            TotalPhysicalMemory = Get-MemoryBytes; HypervisorPresent = $false; UserName = $null; PrimaryOwnerName = ''; Status = 'OK'
            CurrentTimeZone = [int16] [TimeZoneInfo]::Local.BaseUtcOffset.TotalMinutes; AutomaticManagedPagefile = $true; Roles = @('LM_Workstation', 'LM_Server', 'NT', 'Server_NT')
        }
    }
    Win32_ComputerSystemProduct = {
        [ordered]@{ Name = 'container'; Vendor = 'wcow'; Version = '1'; IdentifyingNumber = [Environment]::MachineName
            UUID = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography' -ErrorAction Ignore).MachineGuid; Caption = 'Computer System Product' }
    }
    Win32_BIOS = {
        [ordered]@{ Name = 'wcow'; Manufacturer = 'wcow'; Version = 'wcow - 1'; SMBIOSBIOSVersion = '1'; SerialNumber = [Environment]::MachineName
            BIOSVersion = @('wcow - 1'); ReleaseDate = $null; PrimaryBIOS = $true; Status = 'OK' }
    }
    Win32_Processor = {
        $facts = Get-ItemProperty 'HKLM:\HARDWARE\DESCRIPTION\System\CentralProcessor\0' -ErrorAction Ignore
        $count = [uint32] [Environment]::ProcessorCount
        [ordered]@{ Name = "$($facts.ProcessorNameString)".Trim(); Manufacturer = $facts.VendorIdentifier; Caption = $facts.Identifier; Description = $facts.Identifier
            DeviceID = 'CPU0'; SocketDesignation = 'CPU 0'; NumberOfCores = $count; NumberOfLogicalProcessors = $count; NumberOfEnabledCore = $count
            MaxClockSpeed = [uint32] $facts.'~MHz'; CurrentClockSpeed = [uint32] $facts.'~MHz'; Architecture = [uint16] 9; AddressWidth = [uint16] 64; DataWidth = [uint16] 64
            ThreadCount = $count; VirtualizationFirmwareEnabled = $false; VMMonitorModeExtensions = $false; SecondLevelAddressTranslationExtensions = $false; Status = 'OK' }
    }
    Win32_LogicalDisk = {
        foreach ($drive in [IO.DriveInfo]::GetDrives() | Where-Object IsReady) {
            $letter = $drive.Name.TrimEnd('\')
            [ordered]@{ DeviceID = $letter; Name = $letter; Caption = $letter; DriveType = [uint32] $script:DriveTypes["$($drive.DriveType)"]; FileSystem = 'NTFS'
                Size = [uint64] $drive.TotalSize; FreeSpace = [uint64] $drive.AvailableFreeSpace; VolumeName = $drive.VolumeLabel; Description = 'Local Fixed Disk'; MediaType = [uint32] 12 }
        }
    }
    Win32_Volume = {
        foreach ($drive in [IO.DriveInfo]::GetDrives() | Where-Object IsReady) {
            [ordered]@{ DriveLetter = $drive.Name.TrimEnd('\'); Name = $drive.Name; Label = $drive.VolumeLabel; FileSystem = 'NTFS'; DriveType = [uint32] $script:DriveTypes["$($drive.DriveType)"]
                Capacity = [uint64] $drive.TotalSize; FreeSpace = [uint64] $drive.AvailableFreeSpace }
        }
    }
    Win32_Service = {
        foreach ($key in Get-ChildItem 'HKLM:\SYSTEM\CurrentControlSet\Services') {
            $facts = Get-ItemProperty -LiteralPath $key.PSPath
            if (-not ($facts.Type -band 0x30)) { continue }  # drivers have a class of their own
            $state = Get-ServiceState $key.PSChildName
            [ordered]@{ Name = $key.PSChildName; DisplayName = $(if ($facts.DisplayName) { $facts.DisplayName } else { $key.PSChildName }); Caption = $facts.DisplayName; Description = $facts.Description
                State = $state; Status = 'OK'; Started = $state -eq 'Running'; StartMode = $script:StartModes[[int] $facts.Start]; StartName = $(if ($facts.ObjectName) { $facts.ObjectName } else { 'LocalSystem' })
                PathName = $facts.ImagePath; ServiceType = $(if ($facts.Type -band 0x20) { 'Share Process' } else { 'Own Process' }); DelayedAutoStart = [bool] $facts.DelayedAutostart
                ProcessId = [uint32] 0; ExitCode = [uint32] 0; ErrorControl = 'Normal'; AcceptStop = $state -eq 'Running'; SystemName = [Environment]::MachineName }
        }
    }
    Win32_Process = {
        # Without CommandLine: PowerShell's own property asks Get-CimInstance for it, and Wine tells it to nobody else.
        foreach ($process in Get-Process) {
            [ordered]@{ Name = "$($process.ProcessName).exe"; Caption = "$($process.ProcessName).exe"; ProcessId = [uint32] $process.Id; Handle = "$($process.Id)"
                ParentProcessId = [uint32] $(try { $process.Parent.Id } catch { 0 }); ExecutablePath = $(try { $process.Path } catch { })
                CreationDate = $(try { $process.StartTime } catch { }); WorkingSetSize = [uint64] $process.WorkingSet64; VirtualSize = [uint64] $process.VirtualMemorySize64
                ThreadCount = [uint32] $process.Threads.Count; HandleCount = [uint32] $process.HandleCount; SessionId = [uint32] $process.SessionId; Priority = [uint32] 8 }
        }
    }
    Win32_NetworkAdapterConfiguration = {
        $index = 0
        foreach ($nic in [Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces() | Where-Object NetworkInterfaceType -NE 'Loopback') {
            $ip = $nic.GetIPProperties()
            $mac = ($nic.GetPhysicalAddress().GetAddressBytes() | ForEach-Object { $_.ToString('X2') }) -join ':'
            $addresses = @($ip.UnicastAddresses | ForEach-Object { $_.Address.ToString() })
            [ordered]@{ Index = [uint32] $index; InterfaceIndex = [uint32] $(try { $ip.GetIPv4Properties().Index } catch { $index }); Description = $nic.Description; Caption = $nic.Name; SettingID = $nic.Id
                MACAddress = $mac; IPEnabled = $addresses.Count -gt 0; IPAddress = $addresses; IPSubnet = @($ip.UnicastAddresses | ForEach-Object { "$($_.IPv4Mask)" }); DHCPEnabled = $false
                DefaultIPGateway = @($ip.GatewayAddresses | ForEach-Object { $_.Address.ToString() }); DNSServerSearchOrder = @($ip.DnsAddresses | ForEach-Object { $_.ToString() }); DNSDomain = $ip.DnsSuffix; DNSHostName = [Environment]::MachineName }
            $index++
        }
    }
    Win32_NetworkAdapter = {
        $index = 0
        foreach ($nic in [Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces() | Where-Object NetworkInterfaceType -NE 'Loopback') {
            [ordered]@{ DeviceID = "$index"; Index = [uint32] $index; Name = $nic.Description; NetConnectionID = $nic.Name; NetEnabled = $nic.OperationalStatus -eq 'Up'; PhysicalAdapter = $true
                MACAddress = ($nic.GetPhysicalAddress().GetAddressBytes() | ForEach-Object { $_.ToString('X2') }) -join ':'; Speed = [uint64] [Math]::Max(0, $nic.Speed); GUID = $nic.Id }
            $index++
        }
    }
    Win32_TimeZone = {
        $zone = [TimeZoneInfo]::Local
        [ordered]@{ Caption = $zone.DisplayName; Description = $zone.DisplayName; StandardName = $zone.StandardName; DaylightName = $zone.DaylightName; Bias = [int] $zone.BaseUtcOffset.TotalMinutes }
    }
    Win32_Environment = {
        foreach ($one in @(@{ Target = 'Machine'; System = $true; User = '<SYSTEM>' }, @{ Target = 'User'; System = $false; User = [Environment]::UserName })) {
            foreach ($pair in [Environment]::GetEnvironmentVariables($one.Target).GetEnumerator()) {
                [ordered]@{ Name = $pair.Key; VariableValue = $pair.Value; UserName = $one.User; SystemVariable = $one.System }
            }
        }
    }
    Win32_Share = { }
    Win32_QuickFixEngineering = { }
    Win32_OptionalFeature = { }
    Win32_PageFileUsage = { }
    Win32_PageFileSetting = { }
    Win32_DiskDrive = { [ordered]@{ DeviceID = '\\.\PHYSICALDRIVE0'; Index = [uint32] 0; Model = 'wcow disk'; Caption = 'wcow disk'; InterfaceType = 'SCSI'; MediaType = 'Fixed hard disk media'; Size = [uint64] [IO.DriveInfo]::new('C').TotalSize; Partitions = [uint32] 1; Status = 'OK' } }
    Win32_PhysicalMemory = { [ordered]@{ Capacity = Get-MemoryBytes; DeviceLocator = 'DIMM 0'; Manufacturer = 'wcow'; Speed = [uint32] 0 } }
    Win32_UserAccount = {
        foreach ($name in 'ContainerAdministrator', 'ContainerUser') {
            [ordered]@{ Name = $name; Domain = [Environment]::MachineName; Caption = "$([Environment]::MachineName)\$name"; LocalAccount = $true; Disabled = $false; Status = 'OK'
                SID = @{ ContainerAdministrator = 'S-1-5-93-2-1'; ContainerUser = 'S-1-5-93-2-2' }[$name] }
        }
    }
}
