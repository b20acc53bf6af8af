// SPDX-License-Identifier: Apache-2.0

// Runs one command over WinRM with masterzen's library: winrm_client LOGIN PORT USER PASSWORD COMMAND [CERT KEY].
// LOGIN is basic, ntlm or certificate. Standard input goes to the command; its exit code is ours.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/masterzen/winrm"
)

func main() {
	login, user, password, command := os.Args[1], os.Args[3], os.Args[4], os.Args[5]
	port, err := strconv.Atoi(os.Args[2])
	check(err)
	var certificate, key []byte
	parameters := winrm.NewParameters("PT60S", "en-US", 153600)
	switch login {
	case "ntlm":
		parameters.TransportDecorator = func() winrm.Transporter { return &winrm.ClientNTLM{} }
	case "certificate":
		certificate, err = os.ReadFile(os.Args[6])
		check(err)
		key, err = os.ReadFile(os.Args[7])
		check(err)
		parameters.TransportDecorator = func() winrm.Transporter { return &winrm.ClientAuthRequest{} }
	}
	endpoint := winrm.NewEndpoint("127.0.0.1", port, true, true, nil, certificate, key, 30*time.Second)
	client, err := winrm.NewClientWithParameters(endpoint, user, password, parameters)
	check(err)
	code, err := client.RunWithInput(command, os.Stdout, os.Stderr, os.Stdin)
	check(err)
	os.Exit(code)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}
