// Command devserver serves the API and the page over a laboratory in memory, for
// working on the page.
//
//	go run ./api/apitest/devserver -addr 127.0.0.1:8090 -tick 250ms
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
	"github.com/athanor-lab/athanor/web"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "address to listen on")
	tick := flag.Duration("tick", 250*time.Millisecond, "time between moments of the laboratory; 0 stands still")
	empty := flag.Bool("empty", false, "begin without campaigns")
	big := flag.Int("big", 0, "add a campaign of so many experiments, for the speed of the page")
	inbox := flag.String("inbox", "", "folder of imports")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *inbox, *tick, *empty, *big); err != nil {
		fmt.Fprintln(os.Stderr, "devserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, inbox string, tick time.Duration, empty bool, big int) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	l := apitest.New(time.Now)
	l.SetInbox(inbox)
	if !empty {
		if err := apitest.Furnish(ctx, l); err != nil {
			return fmt.Errorf("furnish laboratory: %w", err)
		}
		if _, err := apitest.FurnishReaders(ctx, l); err != nil {
			return fmt.Errorf("furnish what reads: %w", err)
		}
	}
	if big > 0 {
		src := strings.Replace(apitest.Examples()[1].Source, "experiments: 24", fmt.Sprintf("experiments: %d", big), 1)
		id, err := l.Submit(src, time.Now())
		if err != nil {
			return fmt.Errorf("submit big campaign: %w", err)
		}
		l.Settle(id, 8*big)
	}
	server := l.Server()
	server.Logger, server.Page = logger, web.Dist()
	ln, err := api.Listen(ctx, addr)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "serving", "url", "http://"+ln.Addr().String())
	if tick > 0 {
		go func() {
			for range time.Tick(tick) {
				l.Tick()
			}
		}()
	}
	return api.Serve(ctx, ln, server.Handler(), logger)
}
