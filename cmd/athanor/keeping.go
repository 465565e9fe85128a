package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// keeping says how long records are kept that only people look at. The dataset,
// plans, commands, samples and what open campaigns need are kept for ever.
type keeping struct {
	KeepEvents    span `name:"keep-events" env:"ATHANOR_KEEP_EVENTS" default:"forever" placeholder:"90d" help:"How long the log of the laboratory is kept, as 90d, 36h or forever; that of campaigns that have not ended is kept in any case."`
	KeepTelemetry span `name:"keep-telemetry" env:"ATHANOR_KEEP_TELEMETRY" default:"30d" placeholder:"30d" help:"How long telemetry of devices is kept, as 30d, 36h or forever; of a device at most the newest 100,000 batches."`
	KeepUploads   span `name:"keep-uploads" env:"ATHANOR_KEEP_UPLOADS" default:"30d" placeholder:"30d" help:"How long files are kept that were uploaded and not imported, as 30d, 36h or forever; those of imports are kept in any case."`
}

// span is a length of time in days or as Go writes it; 0 is for ever.
type span time.Duration

// shortestSpan keeps a slip of the pen from deleting what somebody is just reading.
const shortestSpan = time.Hour

// UnmarshalText reads a span.
func (s *span) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	if text == "forever" {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		if n, err = strconv.ParseFloat(days, 64); err == nil {
			d = time.Duration(n * float64(24*time.Hour))
		}
	}
	if err != nil || d < shortestSpan {
		return lab.Errorf(lab.Invalid, "%q is no time to keep records: write 90d, 36h or forever, one hour at least", text)
	}
	*s = span(d)
	return nil
}

// forgetEvery is the time between two looks for what is too old.
const forgetEvery = 10 * time.Minute

// forget deletes what is kept no longer, now and then, until ctx ends. Any number
// of processes may do so at once.
func (k keeping) forget(ctx context.Context, db *postgres.DB, logger *slog.Logger) {
	for ; ctx.Err() == nil; pause(ctx, forgetEvery) {
		gone, err := db.Forget(ctx, postgres.Retention{Events: time.Duration(k.KeepEvents), Telemetry: time.Duration(k.KeepTelemetry), Uploads: time.Duration(k.KeepUploads)})
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "forget old records", "err", err)
		}
		if gone != (postgres.Forgotten{}) {
			logger.InfoContext(ctx, "old records forgotten", "events", gone.Events, "telemetry", gone.Telemetry, "quarantine", gone.Quarantine, "uploads", gone.Uploads)
		}
	}
}

func (s span) String() string {
	if s == 0 {
		return "forever"
	}
	return fmt.Sprintf("%gd", time.Duration(s).Hours()/24)
}
