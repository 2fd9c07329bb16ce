// Command http-chi is a service by chi, a router that knows nothing of bootstrap.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

func main() {
	socket := flag.String("socket", "", "the unix socket to listen on, instead of PORT")
	idle := flag.Duration("idle", time.Minute, "how long an idle connection is kept")
	flag.Parse()
	l, err := listen(*socket)
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Handler: routes(), IdleTimeout: *idle}
	log.Fatal(server.Serve(l))
}

func listen(socket string) (net.Listener, error) {
	if socket != "" {
		return net.Listen("unix", socket)
	}
	return net.Listen("tcp", ":"+os.Getenv("PORT"))
}

func routes() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Logger, middleware.Recoverer, middleware.Compress(5))
	r.Get("/files/*", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"file": chi.URLParam(r, "*"), "version": r.URL.Query()["version"], "host": r.Host})
	})
	r.Route("/notes/{id}", func(r chi.Router) {
		r.Put("/", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})
		r.Delete("/", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "there is no note "+chi.URLParam(r, "id"), http.StatusNotFound)
		})
	})
	r.Post("/invoke", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	})
	return r
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
