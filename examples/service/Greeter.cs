// SPDX-License-Identifier: Apache-2.0
// An ASP.NET Core app that is a Windows service: it answers on 8080 with the machine's GREETING, and counts its visits in a
// file that its service may write. Started by hand it does the same until Ctrl-C.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

public static class Greeter
{
    const string Data = @"C:\greeter\data\visits.txt";
    const int Own = 0x10, StartPending = 2, StopPending = 3, Running = 4, Stopped = 1, AcceptStop = 1, Stop = 1, Shutdown = 5;

    [UnmanagedFunctionPointer(CallingConvention.Winapi)]
    delegate void ServiceMain(uint count, IntPtr words);
    [UnmanagedFunctionPointer(CallingConvention.Winapi)]
    delegate uint Control(uint control, uint type, IntPtr data, IntPtr context);
    [StructLayout(LayoutKind.Sequential)]
    struct Entry { public IntPtr Name; public IntPtr Main; }
    [StructLayout(LayoutKind.Sequential)]
    struct Status { public int Type, State, Accepted, Code, Own, Point, Hint; }

    [DllImport("advapi32.dll")]
    static extern bool StartServiceCtrlDispatcherW(Entry[] table);
    [DllImport("advapi32.dll", CharSet = CharSet.Unicode)]
    static extern IntPtr RegisterServiceCtrlHandlerExW(string name, Control control, IntPtr context);
    [DllImport("advapi32.dll")]
    static extern bool SetServiceStatus(IntPtr service, ref Status status);

    static readonly CancellationTokenSource stopping = new CancellationTokenSource();
    static readonly ServiceMain main = Serve;  // kept: Windows calls it later
    static readonly Control control = Hear;
    static IntPtr service;

    public static void Main(string[] words)
    {
        var table = new[] { new Entry { Name = Marshal.StringToHGlobalUni("greeter"),
                                        Main = Marshal.GetFunctionPointerForDelegate(main) }, new Entry() };
        if (!StartServiceCtrlDispatcherW(table)) Web().Run();
    }

    static WebApplication Web()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://*:8080");
        var app = builder.Build();
        app.Run(async context =>
        {
            var visits = (File.Exists(Data) ? int.Parse(File.ReadAllText(Data)) : 0) + 1;
            File.WriteAllText(Data, visits.ToString());
            await context.Response.WriteAsync($"{Environment.GetEnvironmentVariable("GREETING")}, visit {visits}\n");
        });
        return app;
    }

    static void Serve(uint count, IntPtr words)
    {
        service = RegisterServiceCtrlHandlerExW("greeter", control, IntPtr.Zero);
        Report(StartPending);
        var app = Web();
        app.StartAsync().GetAwaiter().GetResult();
        Report(Running);
        stopping.Token.WaitHandle.WaitOne();
        app.StopAsync().GetAwaiter().GetResult();
        Report(Stopped);
    }

    static uint Hear(uint asked, uint type, IntPtr data, IntPtr context)
    {
        if (asked != Stop && asked != Shutdown) return 0;
        Report(StopPending);
        stopping.Cancel();
        return 0;
    }

    static void Report(int state)
    {
        var status = new Status { Type = Own, State = state, Accepted = state == Running ? AcceptStop : 0, Hint = 30000 };
        SetServiceStatus(service, ref status);
    }
}
