# SPDX-License-Identifier: Apache-2.0
# Compiles SOURCE to OUT with the compiler that PowerShell itself has for Add-Type. Prints what is wrong and ends with 1.
param([string] $Source, [string] $Out)
$ErrorActionPreference = 'Stop'
Add-Type 'public class LoadsTheCompiler {}'
$tree = [Microsoft.CodeAnalysis.CSharp.CSharpSyntaxTree]::ParseText([IO.File]::ReadAllText($Source))
$references = [Collections.Generic.List[Microsoft.CodeAnalysis.MetadataReference]]::new()
foreach ($file in [IO.Directory]::GetFiles($PSHOME, '*.dll')) {
    try { [void][Reflection.AssemblyName]::GetAssemblyName($file) } catch { continue }  # native code
    $references.Add([Microsoft.CodeAnalysis.MetadataReference]::CreateFromFile($file))
}
$options = [Microsoft.CodeAnalysis.CSharp.CSharpCompilationOptions]::new(
    [Microsoft.CodeAnalysis.OutputKind]::ConsoleApplication).WithOptimizationLevel('Release').WithDeterministic($true)
$name = [IO.Path]::GetFileNameWithoutExtension($Out)
$compilation = [Microsoft.CodeAnalysis.CSharp.CSharpCompilation]::Create(
    $name, [Microsoft.CodeAnalysis.SyntaxTree[]] @($tree), $references, $options)
$stream = [IO.File]::Create($Out)
try { $result = $compilation.Emit($stream) } finally { $stream.Dispose() }
if (-not $result.Success) {
    $result.Diagnostics | Where-Object Severity -EQ Error | ForEach-Object { $_.ToString() }
    exit 1
}
