// SPDX-License-Identifier: Apache-2.0

// The network interfaces as Go programs list them.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	interfaces, err := net.Interfaces()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, one := range interfaces {
		addresses, err := one.Addrs()
		fmt.Println(one.Name, one.Flags, addresses, err)
	}
}
