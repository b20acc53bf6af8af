# SPDX-License-Identifier: Apache-2.0
# Get-CimInstance and Get-WmiObject for the classes that scripts ask for. Wine has neither the CIM client that PowerShell
# brings nor WMI's services, so the answers come from the registry and .NET of the container itself.

. $PSScriptRoot\Classes.ps1
. $PSScriptRoot\Wql.ps1
. $PSScriptRoot\Power.ps1

$script:Namespaces = 'root/cimv2', 'root/default'
# A stand-in host has facts that no container has (hostd/modules/WcowHost).
$more = "$env:ProgramFiles\PowerShell\Modules\WcowHost\Classes.ps1"
if (Test-Path -LiteralPath $more) { . $more }

function Get-CimError([string] $Id, [string] $Message, [string] $Target) {
    $category = switch ($Id) { 'InvalidClass' { 'MetadataError' } 'InvalidQuery' { 'InvalidArgument' } default { 'NotImplemented' } }
    $code = @{ InvalidClass = '0x80041010'; InvalidQuery = '0x80041017' }[$Id]
    $error = [InvalidOperationException]::new("$Message ")
    $error.Source = 'wcow'
    [Management.Automation.ErrorRecord]::new($error, $(if ($code) { "HRESULT $code" } else { $Id }), $category, $Target)
}

function Get-Instances([string] $ClassName, $Test, [string[]] $Property) {
    $name = $script:Classes.Keys | Where-Object { $_ -eq $ClassName }
    if (-not $name) { throw (Get-CimError 'InvalidClass' 'Invalid class' $ClassName) }
    foreach ($table in & $script:Classes[$name]) {
        $instance = [pscustomobject] $table
        if (-not (Test-Wql $Test $instance)) { continue }
        if ($Property -and $Property -notcontains '*') { $instance = $instance | Select-Object -Property $Property }
        $instance | Add-Member NoteProperty PSComputerName $null
        $instance | Add-Member NoteProperty CimClass ([pscustomobject]@{ CimClassName = $name; CimSuperClassName = $null })
        $instance | Add-Member ScriptProperty CimInstanceProperties { $this.PSObject.Properties | Where-Object Name -notin 'CimClass', 'CimInstanceProperties', 'PSComputerName' }
        foreach ($type in 'Microsoft.Management.Infrastructure.CimInstance', "Microsoft.Management.Infrastructure.CimInstance#root/cimv2/$name") {
            $instance.PSObject.TypeNames.Insert(0, $type)
        }
        $instance
    }
}

function Read-Where([string] $Filter) {
    if (-not $Filter) { return }
    $tokens = [Collections.Generic.Queue[object]]::new([object[]] @(Read-WqlTokens $Filter))
    $test = Read-WqlTest $tokens
    if ($tokens.Count) { throw (Get-CimError 'InvalidQuery' 'Invalid query' $Filter) }
    $test
}

function Get-ByQuery([string] $Query) {
    if ($Query -notmatch '^\s*SELECT\s+(?<what>[\w\s,*.]+?)\s+FROM\s+(?<class>\w+)(?:\s+WHERE\s+(?<where>.+?))?\s*;?\s*$') {
        throw (Get-CimError 'InvalidQuery' 'Invalid query' $Query)
    }
    $class, $what, $where = $Matches.class, $Matches.what, $Matches.where
    Get-Instances $class (Read-Where $where) ($what -split '\s*,\s*')
}

function Assert-Here([string[]] $ComputerName, [string] $Namespace) {
    foreach ($name in $ComputerName) {
        if ($name -notin '', '.', 'localhost', '127.0.0.1', [Environment]::MachineName) {
            throw (Get-CimError 'NotSupported' "CIM to another computer ($name) is not supported in this container" $name)
        }
    }
    if ($Namespace -and ($Namespace.Replace('\', '/').ToLowerInvariant() -replace '^//\./') -notin $script:Namespaces) {
        throw (Get-CimError 'InvalidNamespace' 'Invalid namespace' $Namespace)
    }
}

function Get-CimInstance {
    [CmdletBinding(DefaultParameterSetName = 'Class')]
    param(
        [Parameter(ParameterSetName = 'Class', Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string] $ClassName,
        [Parameter(ParameterSetName = 'Query', Mandatory)] [string] $Query,
        [Parameter(ParameterSetName = 'Instance', Mandatory, Position = 0, ValueFromPipeline)] [object] $InputObject,
        [Parameter(ParameterSetName = 'Class')] [string] $Filter,
        [Parameter(ParameterSetName = 'Class')] [Alias('SelectProperties')] [string[]] $Property,
        [Parameter(ParameterSetName = 'Class')] [switch] $KeyOnly,
        [string] $Namespace, [string] $QueryDialect, [Alias('OT')] [uint32] $OperationTimeoutSec,
        [Alias('CN')] [string[]] $ComputerName, [object[]] $CimSession, [uri] $ResourceUri, [switch] $Shallow
    )
    process {
        try {
            Assert-Here $ComputerName $Namespace
            switch ($PSCmdlet.ParameterSetName) {
                'Query' { Get-ByQuery $Query }
                'Instance' { Get-Instances $InputObject.CimClass.CimClassName $null @() | Where-Object { $_.Name -eq $InputObject.Name } }
                default { Get-Instances $ClassName (Read-Where $Filter) $Property }
            }
        } catch { $PSCmdlet.WriteError($_) }
    }
}

function Get-WmiObject {
    [CmdletBinding(DefaultParameterSetName = 'Class')]
    param(
        [Parameter(ParameterSetName = 'Class', Mandatory, Position = 0)] [Alias('ClassName')] [string] $Class,
        [Parameter(ParameterSetName = 'Class', Position = 1)] [string[]] $Property,
        [Parameter(ParameterSetName = 'Class')] [string] $Filter,
        [Parameter(ParameterSetName = 'Query', Mandatory)] [string] $Query,
        [Parameter(ParameterSetName = 'List', Mandatory)] [switch] $List,
        [Alias('NS')] [string] $Namespace, [Alias('Cn')] [string[]] $ComputerName, [pscredential] $Credential, [switch] $Amended,
        [switch] $DirectRead, [switch] $EnableAllPrivileges, [switch] $AsJob, [int] $ThrottleLimit, $Impersonation, $Authentication
    )
    try {
        Assert-Here $ComputerName $Namespace
        switch ($PSCmdlet.ParameterSetName) {
            'Query' { Get-ByQuery $Query }
            'List' { $script:Classes.Keys | Sort-Object | ForEach-Object { [pscustomobject]@{ Name = $_ } } }
            default { Get-Instances $Class (Read-Where $Filter) $Property }
        }
    } catch { $PSCmdlet.WriteError($_) }
}

function Get-CimClass {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [string] $ClassName = '*', [string] $Namespace, [string[]] $ComputerName)
    $found = @($script:Classes.Keys | Where-Object { $_ -like $ClassName } | Sort-Object)
    if (-not $found.Count -and $ClassName -notmatch '[*?]') { $PSCmdlet.WriteError((Get-CimError 'InvalidClass' 'Not found' $ClassName)) }
    $found | ForEach-Object { [pscustomobject]@{ CimClassName = $_; CimSystemProperties = [pscustomobject]@{ Namespace = 'root/cimv2'; ClassName = $_ } } }
}

function Get-ComputerInfo {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [string[]] $Property = '*')
    $version, $system, $os = (Get-WindowsVersion), (Get-Instances Win32_ComputerSystem), (Get-Instances Win32_OperatingSystem)
    $bios, $zone = (Get-Instances Win32_BIOS), [TimeZoneInfo]::Local
    [pscustomobject][ordered]@{
        WindowsBuildLabEx = $version.BuildLabEx; WindowsCurrentVersion = $version.CurrentVersion; WindowsEditionId = $version.EditionID
        WindowsInstallationType = $version.InstallationType; WindowsProductName = $version.ProductName; WindowsVersion = $version.ReleaseId
        WindowsSystemRoot = 'C:\Windows'; BiosManufacturer = $bios.Manufacturer; BiosSerialNumber = $bios.SerialNumber; BiosFirmwareType = 'Uefi'
        CsName = $system.Name; CsDNSHostName = $system.DNSHostName; CsDomain = $system.Domain; CsPartOfDomain = $system.PartOfDomain
        CsManufacturer = $system.Manufacturer; CsModel = $system.Model; CsNumberOfLogicalProcessors = $system.NumberOfLogicalProcessors
        CsNumberOfProcessors = $system.NumberOfProcessors; CsProcessors = @(Get-Instances Win32_Processor); CsTotalPhysicalMemory = $system.TotalPhysicalMemory
        OsName = $os.Caption; OsVersion = $os.Version; OsBuildNumber = $os.BuildNumber; OsArchitecture = $os.OSArchitecture; OsProductType = 'Server'
        OsLastBootUpTime = $os.LastBootUpTime; OsLocalDateTime = $os.LocalDateTime; OsUptime = [DateTime]::Now - $os.LastBootUpTime; OsInstallDate = $os.InstallDate
        OsSystemDirectory = $os.SystemDirectory; OsWindowsDirectory = $os.WindowsDirectory; OsServerLevel = $(if ($version.InstallationType -eq 'Server Core') { 'ServerCore' } else { 'FullServer' })
        OsTotalVisibleMemorySize = $os.TotalVisibleMemorySize; OsFreePhysicalMemory = $os.FreePhysicalMemory; OsLanguage = 'en-US'; OsHotFixes = @()
        TimeZone = $zone.DisplayName; HyperVisorPresent = $system.HypervisorPresent; PowerPlatformRole = 'EnterpriseServer'
    } | Select-Object -Property $Property
}

# What changes a machine, watches it, or reaches another one has no meaning in a container: it fails, by name.
foreach ($name in 'Invoke-CimMethod', 'New-CimSession', 'Get-CimSession', 'Remove-CimSession', 'Set-CimInstance', 'New-CimInstance', 'Remove-CimInstance',
    'Get-CimAssociatedInstance', 'Register-CimIndicationEvent', 'Invoke-WmiMethod', 'Set-WmiInstance', 'Remove-WmiObject') {
    $body = "throw (Get-CimError 'NotSupported' '$name is not supported in this container: there is no CIM service in it' '$name')"
    Set-Item "function:$name" $ExecutionContext.SessionState.Module.NewBoundScriptBlock([scriptblock]::Create($body))
}
Set-Item function:Get-CimSession { }

Set-Alias gcim Get-CimInstance; Set-Alias icim Invoke-CimMethod; Set-Alias ncms New-CimSession; Set-Alias gcms Get-CimSession
Set-Alias rcms Remove-CimSession; Set-Alias gcls Get-CimClass
Export-ModuleMember -Function * -Alias *
