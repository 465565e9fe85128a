package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// Gateway is the role of a child that is a gateway.
const Gateway = "chaos-gateway"

// post is where a gateway stands.
type post struct {
	URL      string `json:"url"`
	Postgres string `json:"postgres"`
}

// RunGateway is the role [Gateway].
func RunGateway(ctx context.Context, config []byte) error {
	var p post
	if err := json.Unmarshal(config, &p); err != nil {
		return fmt.Errorf("run a gateway: %w", err)
	}
	logger := slog.New(slog.DiscardHandler)
	db, err := postgres.Open(ctx, p.Postgres, logger)
	if err != nil {
		return err
	}
	defer db.Close()
	g, err := gateway.Open(ctx, gateway.Config{
		Dial: mqtt.Dialer(mqtt.Options{URL: p.URL, Patience: time.Minute}), Ledger: db, Fleet: db, Completer: reader{}, Logger: logger,
	})
	if err != nil {
		return err
	}
	return g.Run(ctx)
}

// reader is a completer of those who read the ledger.
type reader struct{}

// Complete implements [gateway.Completer].
func (reader) Complete(context.Context, lab.Result) error { return nil }
