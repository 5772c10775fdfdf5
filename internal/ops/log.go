package ops

import (
	"io"
	"log/slog"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// NewLogger writes to w what is at least as severe as c.Level, each line with
// the name of the service. config.Load has checked the words; an unknown level
// would be info, an unknown format JSON.
func NewLogger(c config.Log, w io.Writer, service string) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level))
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewJSONHandler(w, opts)
	if c.Format == "text" {
		h = slog.NewTextHandler(w, opts)
	}
	return slog.New(h).With("service", service)
}
