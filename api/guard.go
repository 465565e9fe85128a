package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Listen opens a listener that only this machine can reach. An address of
// another interface is refused: without accounts, whoever reaches the port
// commands the robots.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "listen on %q: %w; an address is host:port, as in 127.0.0.1:8080", addr, err)
	}
	if !loopbackName(host) {
		return nil, lab.Errorf(lab.Unsafe, "listen on %q: refused, because others than this machine could reach it and there are no accounts yet; listen on 127.0.0.1 and reach it from elsewhere through an SSH tunnel to the same port", addr)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, lab.Errorf(lab.Unavailable, "listen on %q: %w", addr, err)
	}
	// A name may be told to resolve to anything, so what was bound decides.
	if tcp, ok := ln.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = ln.Close()
		return nil, lab.Errorf(lab.Unsafe, "listen on %q: refused, because the name leads to %s, which others can reach; listen on 127.0.0.1", addr, ln.Addr())
	}
	return ln, nil
}

// Serve answers requests on ln until ctx ends, then lets those under way finish
// for up to five seconds. Event streams end at once; their readers resume later.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, logger *slog.Logger) error {
	streams, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(streams, closingKey{}, ctx.Done()) },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
	}
	return nil
}

// closingKey leads to the channel that closes when [Serve] is told to end.
type closingKey struct{}

func closing(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(closingKey{}).(<-chan struct{})
	return done
}

// guard lets through what this machine asks of itself. A page of another site
// can make a browser send requests here; it cannot choose the Host header when
// its own name was made to resolve here (DNS rebinding), nor the Origin and
// Sec-Fetch-Site headers.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := wrongHost(r); why != "" {
			(&Problem{Type: problemType("wrong_host"), Title: "Not for this server", Status: http.StatusMisdirectedRequest, Detail: why}).write(w)
			return
		}
		if why := foreign(r); why != "" {
			(&Problem{Type: problemType("forbidden"), Title: "Asked by another site", Status: http.StatusForbidden, Detail: why}).write(w)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Content-Security-Policy", contentPolicy)
		next.ServeHTTP(w, r)
	})
}

// contentPolicy forbids whatever does not come from here, and scripts that are
// written into a page. Inline styles stay: the components of the page place
// themselves with them.
const contentPolicy = "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// wrongHost says why the Host header of r does not name this server, or "".
func wrongHost(r *http.Request) string {
	host, port := r.Host, ""
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		host, port = h, p
	}
	if !loopbackName(strings.Trim(host, "[]")) {
		return fmt.Sprintf("Host %q is not a name of this machine's loopback; use 127.0.0.1, localhost or [::1].", r.Host)
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return ""
	}
	if port == "" {
		port = "80"
	}
	if port != strconv.Itoa(local.Port) {
		return fmt.Sprintf("Host %q names port %s, and this server listens on %d; tunnels and proxies must keep the port.", r.Host, port, local.Port)
	}
	return ""
}

// foreign says why r was made by a page of another site, or "". Programs that
// are no browser send neither header.
func foreign(r *http.Request) string {
	if origins, ok := r.Header["Origin"]; ok {
		if u, err := url.Parse(strings.Join(origins, " ")); err != nil || !strings.EqualFold(u.Host, r.Host) || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Sprintf("Origin %q is not this server's page.", strings.Join(origins, " "))
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "" || site == "same-origin" || site == "none" {
		return ""
	}
	link := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.HasPrefix(r.URL.Path, basePath)
	if link {
		return "" // a link to our page may stand anywhere
	}
	return fmt.Sprintf("The browser says that a %s page asks; only this server's own page may.", site)
}

func loopbackName(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

type requestKey struct{}

// requestID returns the id that the log has of a request.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

func instanceOf(ctx context.Context) string {
	if id := requestID(ctx); id != "" {
		return "urn:athanor:request:" + id
	}
	return ""
}

// named gives every request an id, logs it, and turns a panic into a problem.
func (s *Server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.mintRequestID()
		ctx := context.WithValue(r.Context(), requestKey{}, id)
		w.Header().Set("X-Request-Id", id)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // the very value is what net/http looks for
				panic(p)
			}
			s.logger().ErrorContext(ctx, "request panicked", "request_id", id, "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			e := edges[""]
			(&Problem{Type: problemType("internal"), Title: e.title, Status: e.status, Instance: instanceOf(ctx)}).write(w)
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// mintRequestID returns eight random bytes in hexadecimal. One of zeros, where
// randomness failed, still serves.
func (s *Server) mintRequestID() string {
	var b [8]byte
	s.rand.Lock()
	defer s.rand.Unlock()
	_, _ = io.ReadFull(s.Rand, b[:])
	return hex.EncodeToString(b[:])
}

// mediaType returns the bare media type of a Content-Type header, in lower case.
func mediaType(header string) string {
	bare, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(bare))
}
