// SPDX-License-Identifier: Apache-2.0

// Package windows has what logrus and Prometheus' client ask of golang.org/x/sys/windows, of which Debian packages the
// Unix half alone.
package windows

import "syscall"

type (
	Handle   = syscall.Handle
	Filetime = syscall.Filetime
)

const ENABLE_VIRTUAL_TERMINAL_PROCESSING = 4

var setConsoleMode = syscall.NewLazyDLL("kernel32.dll").NewProc("SetConsoleMode")

func GetConsoleMode(console Handle, mode *uint32) error { return syscall.GetConsoleMode(console, mode) }

func SetConsoleMode(console Handle, mode uint32) error {
	if done, _, err := setConsoleMode.Call(uintptr(console), uintptr(mode)); done == 0 {
		return err
	}
	return nil
}

func CurrentProcess() Handle { return Handle(^uintptr(0)) }

func GetProcessTimes(process Handle, creation, exit, kernel, user *Filetime) error {
	return syscall.GetProcessTimes(process, creation, exit, kernel, user)
}
