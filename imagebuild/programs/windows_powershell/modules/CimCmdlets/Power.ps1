# SPDX-License-Identifier: Apache-2.0
# Restart-Computer and Stop-Computer of the computer itself: PowerShell's own ask CIM, and here shutdown.exe does it.

function Invoke-Shutdown([string] $Action, [string[]] $ComputerName) {
    foreach ($name in $ComputerName) {
        if ($name -notin '.', 'localhost', '127.0.0.1', [Environment]::MachineName) {
            throw "The computer $name cannot be reached: only the local computer can."
        }
        $said = & "$env:SystemRoot\System32\shutdown.exe" $Action /t 0 2>&1
        if ($LASTEXITCODE) { throw "Failed to restart or stop the computer ${name}: $said" }
    }
}

function Restart-Computer {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param([Parameter(Position = 0)] [Alias('CN', '__SERVER', 'Server', 'IPAddress')] [string[]] $ComputerName = '.',
        [Parameter(Position = 1)] $Credential, [Alias('f')] [switch] $Force, [switch] $Wait, [int] $Timeout, [int16] $Delay,
        [string] $For, [string] $WsmanAuthentication, [string] $Protocol)
    if ($Wait) { throw 'A computer cannot wait for its own restart: leave -Wait out.' }
    if ($PSCmdlet.ShouldProcess($ComputerName -join ', ')) { Invoke-Shutdown '/r' $ComputerName }
}

function Stop-Computer {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param([Parameter(Position = 0)] [Alias('CN', '__SERVER', 'Server', 'IPAddress')] [string[]] $ComputerName = '.',
        [Parameter(Position = 1)] $Credential, [switch] $Force, [string] $WsmanAuthentication)
    if ($PSCmdlet.ShouldProcess($ComputerName -join ', ')) { Invoke-Shutdown '/s' $ComputerName }
}
