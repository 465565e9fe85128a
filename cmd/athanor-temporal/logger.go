package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// temporalLogger gives Temporal our logger.
type temporalLogger struct {
	slog   *slog.Logger
	steady *atomic.Bool // false while the services come up or go down one after another
}

var (
	_ log.Logger      = temporalLogger{}
	_ log.WithLogger  = temporalLogger{}
	_ log.SLogWrapper = temporalLogger{}
)

func (l temporalLogger) Debug(msg string, tags ...tag.Tag) { l.write(slog.LevelDebug, msg, tags) }
func (l temporalLogger) Info(msg string, tags ...tag.Tag)  { l.write(slog.LevelInfo, msg, tags) }
func (l temporalLogger) Warn(msg string, tags ...tag.Tag)  { l.write(slog.LevelWarn, msg, tags) }
func (l temporalLogger) Error(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// DPanic reports what should never happen; Temporal goes on after it outside of its own tests.
func (l temporalLogger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

func (l temporalLogger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal is how Temporal says, among others, that a port is taken.
func (l temporalLogger) Fatal(msg string, tags ...tag.Tag) {
	l.slog.LogAttrs(context.Background(), slog.LevelError, msg, attrs(tags)...)
	os.Exit(1)
}

// With returns a logger that adds tags to every line.
func (l temporalLogger) With(tags ...tag.Tag) log.Logger {
	a := attrs(tags)
	args := make([]any, len(a))
	for i := range a {
		args[i] = a[i]
	}
	l.slog = l.slog.With(args...)
	return l
}

// SLog lets Temporal's own users of slog write to the same place.
func (l temporalLogger) SLog() *slog.Logger { return l.slog }

func (l temporalLogger) write(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	// While some services are up and others not, they complain about each other's absence: "Frontend is not healthy yet" and its
	// kin. A start or a stop that fails is reported by its error, so these lines would only frighten.
	if !l.steady.Load() && level > slog.LevelInfo {
		level = slog.LevelInfo
	}
	if l.slog.Enabled(ctx, level) {
		l.slog.LogAttrs(ctx, level, msg, attrs(tags)...)
	}
}

func attrs(tags []tag.Tag) []slog.Attr {
	a := make([]slog.Attr, len(tags))
	for i, t := range tags {
		switch v := t.Value().(type) {
		case error:
			a[i] = slog.String(t.Key(), v.Error())
		case fmt.Stringer:
			a[i] = slog.String(t.Key(), v.String())
		default:
			a[i] = slog.Any(t.Key(), v)
		}
	}
	return a
}
