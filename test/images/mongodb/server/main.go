// A server that speaks MongoDB's protocol and keeps its data in SQLite files: FerretDB 1 as a library, behind the options of mongod that the entrypoint uses.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	address := flag.String("bind_ip", "127.0.0.1", "address to listen on")
	everywhere := flag.Bool("bind_ip_all", false, "listen on every address")
	port := flag.String("port", "27017", "port to listen on")
	folder := flag.String("dbpath", "/data/db", "folder of the data")
	flag.Parse()
	if *everywhere {
		*address = "0.0.0.0"
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: net.JoinHostPort(*address, *port)},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + *folder + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := server.Run(stopped); err != nil {
		log.Fatal(err)
	}
}
