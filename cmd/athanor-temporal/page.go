package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/labstack/echo/v4"
	uiserver "github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/api"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// page is Temporal's web page.
type page struct {
	url    string
	server *uiserver.Server
}

// startPage serves the page at ip:port over the Temporal server at address, and returns when it answers.
func startPage(ctx context.Context, ip string, port int, address, namespace string) (*page, error) {
	host := hostPort(ip, port)
	s := uiserver.NewServer(
		server_options.WithConfigProvider(&uiconfig.Config{
			Host:                ip,
			Port:                port,
			TemporalGRPCAddress: address,
			EnableUI:            true,
			DefaultNamespace:    namespace,
			HideLogs:            true,
			DisableNewsFetch:    true,
			CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on loopback
		}),
		server_options.WithAPIMiddleware([]api.Middleware{onlyForHost(ip, port)}),
	)
	failed := make(chan error, 1)
	go func() { failed <- s.Start() }()
	for {
		if conn, err := net.DialTimeout("tcp", host, time.Second); err == nil {
			return &page{url: "http://" + host, server: s}, conn.Close()
		}
		select {
		case err := <-failed:
			return nil, fmt.Errorf("start page at %s: %w", host, err)
		case <-ctx.Done():
			return nil, fmt.Errorf("start page at %s: %w", host, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *page) stop() { p.server.Stop() }

// onlyForHost refuses requests that were sent to another name. A web site can let its own name point at 127.0.0.1 and then read and
// command whatever listens there; the browser still tells the name.
func onlyForHost(ip string, port int) api.Middleware {
	ours := map[string]bool{}
	for _, h := range []string{ip, "localhost"} {
		ours[net.JoinHostPort(h, strconv.Itoa(port))] = true
	}
	return func(echo.Context) runtime.ServeMuxOption {
		return runtime.WithMiddlewares(func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
				if !ours[r.Host] {
					http.Error(w, fmt.Sprintf("this page answers to %s only", hostPort(ip, port)), http.StatusForbidden)
					return
				}
				next(w, r, params)
			}
		})
	}
}
