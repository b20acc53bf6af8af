# SPDX-License-Identifier: Apache-2.0
# WQL: SELECT … FROM … WHERE …, read into a class, a list of properties and a test of an instance.
# Grammar: Microsoft, "WQL (SQL for WMI)". Values are compared as they are in the instance; texts without regard to case.

function Read-WqlTokens([string] $Text) {
    $pattern = [regex] "\G\s*(?:(?<text>'(?:[^'\\]|\\.|'')*'|""(?:[^""\\]|\\.|"""")*"")|(?<number>-?\d+(?:\.\d+)?)|(?<sign><=|>=|<>|!=|=|<|>|\(|\)|,|\*)|(?<word>[A-Za-z_][\w.]*))"
    $at = 0
    while ($at -lt $Text.TrimEnd().Length) {
        $found = $pattern.Match($Text, $at)
        if (-not $found.Success) { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
        foreach ($kind in 'text', 'number', 'sign', 'word') {
            if ($found.Groups[$kind].Success) { [pscustomobject]@{ Kind = $kind; Value = $found.Groups[$kind].Value } }
        }
        $at = $found.Index + $found.Length
    }
}

function Read-WqlTest([Collections.Generic.Queue[object]] $Tokens) {
    $left = Read-WqlAnd $Tokens
    while ($Tokens.Count -and $Tokens.Peek().Value -eq 'OR') {
        [void] $Tokens.Dequeue()
        $left = @{ Op = 'or'; A = $left; B = Read-WqlAnd $Tokens }
    }
    $left
}

function Read-WqlAnd([Collections.Generic.Queue[object]] $Tokens) {
    $left = Read-WqlNot $Tokens
    while ($Tokens.Count -and $Tokens.Peek().Value -eq 'AND') {
        [void] $Tokens.Dequeue()
        $left = @{ Op = 'and'; A = $left; B = Read-WqlNot $Tokens }
    }
    $left
}

function Read-WqlNot([Collections.Generic.Queue[object]] $Tokens) {
    if (-not $Tokens.Count) { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
    if ($Tokens.Peek().Value -eq 'NOT') {
        [void] $Tokens.Dequeue()
        return @{ Op = 'not'; A = Read-WqlNot $Tokens }
    }
    if ($Tokens.Peek().Value -eq '(') {
        [void] $Tokens.Dequeue()
        $inner = Read-WqlTest $Tokens
        if (-not $Tokens.Count -or $Tokens.Dequeue().Value -ne ')') { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
        return $inner
    }
    $name = $Tokens.Dequeue()
    if (-not $Tokens.Count) { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
    $op = $Tokens.Dequeue().Value.ToUpperInvariant()
    if ($op -eq 'IS') {
        $negative = $Tokens.Count -and $Tokens.Peek().Value -eq 'NOT'
        if ($negative) { [void] $Tokens.Dequeue() }
        if (-not $Tokens.Count -or $Tokens.Dequeue().Value -ne 'NULL') { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
        return @{ Op = $(if ($negative) { 'set' } else { 'null' }); Name = $name.Value }
    }
    if (-not $Tokens.Count -or $op -notin '=', '<>', '!=', '<', '>', '<=', '>=', 'LIKE') { throw (Get-CimError 'InvalidQuery' 'Invalid query') }
    $value = $Tokens.Dequeue()
    $text = $value.Value
    $plain = switch ($value.Kind) {
        'text' { $text.Substring(1, $text.Length - 2) -replace '\\(.)', '$1' -replace "''", "'" }
        'number' { [double]::Parse($text, [cultureinfo]::InvariantCulture) }
        default { if ($text -in 'TRUE', 'FALSE') { $text -eq 'TRUE' } elseif ($text -eq 'NULL') { $null } else { throw (Get-CimError 'InvalidQuery' 'Invalid query') } }
    }
    @{ Op = $op; Name = $name.Value; Value = $plain }
}

function Test-Wql($Test, $Instance) {
    if ($null -eq $Test) { return $true }
    switch ($Test.Op) {
        'or' { return (Test-Wql $Test.A $Instance) -or (Test-Wql $Test.B $Instance) }
        'and' { return (Test-Wql $Test.A $Instance) -and (Test-Wql $Test.B $Instance) }
        'not' { return -not (Test-Wql $Test.A $Instance) }
        'null' { return $null -eq $Instance.($Test.Name) }
        'set' { return $null -ne $Instance.($Test.Name) }
    }
    $found, $wanted = $Instance.($Test.Name), $Test.Value
    if ($wanted -is [bool]) { $wanted = [int] $wanted; $found = if ($null -ne $found) { [int] [bool] $found } }
    elseif ($found -is [bool]) { $found = [int] $found }
    elseif ($found -is [string]) { $wanted = [string] $wanted }
    switch ($Test.Op) {
        '=' { return $found -eq $wanted }
        { $_ -in '<>', '!=' } { return $found -ne $wanted }
        '<' { return $found -lt $wanted }
        '>' { return $found -gt $wanted }
        '<=' { return $found -le $wanted }
        '>=' { return $found -ge $wanted }
        'LIKE' { return "$found" -match ('^' + ([regex]::Escape($wanted) -replace '%', '.*' -replace '_', '.' -replace '\\\[', '[' -replace '\\]', ']') + '$') }
    }
}
