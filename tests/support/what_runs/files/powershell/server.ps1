# Answers HTTP on 8080 with sockets: HttpListener wants a part of Windows (http.sys) that is not here.
$listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Any, 8080)
$listener.Start()
'up'
while ($true) {
    $client = $listener.AcceptTcpClient()
    $stream = $client.GetStream()
    $reader = [IO.StreamReader]::new($stream)
    while ($reader.ReadLine()) { }
    $body = "hello from PowerShell $($PSVersionTable.PSVersion.Major)"
    $answer = [Text.Encoding]::ASCII.GetBytes("HTTP/1.0 200 OK`r`nContent-Length: $($body.Length)`r`n`r`n$body")
    $stream.Write($answer, 0, $answer.Length)
    $client.Dispose()
}
