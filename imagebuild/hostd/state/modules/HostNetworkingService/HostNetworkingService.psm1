# SPDX-License-Identifier: Apache-2.0
# Get-HnsNetwork and its sisters of a stand-in host, over its state document (machine.network.networks).

. $PSScriptRoot\..\WcowHost\State.ps1

function Get-HnsNetwork {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('Id')] [string] $NetworkID)
    foreach ($network in (Read-HostState).machine.network.networks) {
        $digest = [Security.Cryptography.MD5]::HashData([Text.Encoding]::UTF8.GetBytes("$($network.name)"))
        $id = [guid]::new($digest).ToString().ToUpperInvariant()
        if ($NetworkID -and $NetworkID -ne $id) { continue }
        [pscustomobject] @{ ID = $id; Name = $network.name; Type = $network.type; State = 1; Version = 38654705667
            Subnets = @($network.subnets | Where-Object { $_ } | ForEach-Object { [pscustomobject] @{ AddressPrefix = $_; GatewayAddress = ($_ -replace '\.\d+/\d+$', '.1') } }) }
    }
}

function Remove-HnsNetwork {
    [CmdletBinding()]
    param([Parameter(Mandatory, ValueFromPipeline)] $InputObject)
    process {
        Edit-HostState {
            param($state)
            $state.machine.network.networks = @($state.machine.network.networks | Where-Object { $_.name -ne $InputObject.Name })
        }
    }
}

function Get-HnsEndpoint { [CmdletBinding()] param([string] $EndpointID) }

function Get-HnsPolicyList { [CmdletBinding()] param([string] $PolicyListID) }

Export-ModuleMember -Function *-Hns*
