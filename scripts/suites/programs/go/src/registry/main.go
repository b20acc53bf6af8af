// SPDX-License-Identifier: Apache-2.0

// The registry of the image registry:2, for Windows: the handlers of docker/distribution, which Debian has the sources
// of, without the parts of its command that Debian's packages cannot build for Windows.
package main

import (
	"context"
	"log"
	"net/http"
	"strings"

	"github.com/docker/distribution/configuration"
	"github.com/docker/distribution/registry/handlers"

	_ "github.com/docker/distribution/registry/auth/htpasswd"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem"
)

// What /etc/docker/registry/config.yml of the image says; variables REGISTRY_... say otherwise.
const config = `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
`

func main() {
	found, err := configuration.Parse(strings.NewReader(config))
	if err != nil {
		log.Fatal(err)
	}
	app := handlers.NewApp(context.Background(), found)
	app.RegisterHealthChecks()
	// The command answers so, too; waiting clients ask for it.
	root := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Cache-Control", "no-cache")
			return
		}
		app.ServeHTTP(w, r)
	})
	log.Printf("listening on %s", found.HTTP.Addr)
	if found.HTTP.TLS.Certificate != "" {
		err = http.ListenAndServeTLS(found.HTTP.Addr, found.HTTP.TLS.Certificate, found.HTTP.TLS.Key, root)
	} else {
		err = http.ListenAndServe(found.HTTP.Addr, root)
	}
	log.Fatal(err)
}
