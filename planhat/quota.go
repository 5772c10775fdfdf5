package planhat

import (
	"net/http"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Quota is what the headers of an answer say about the calls of its token.
type Quota struct {
	Limit     int           // calls in a window; -1: not said
	Remaining int           // of these, left; -1: not said
	Reset     time.Duration // until the window ends; 0: not said
}

// ReadQuota reads the rate headers of an answer, for transports that watch (see
// [WithHTTPClient]). The client itself heeds them without help. now is used where
// the answer has no Date.
func ReadQuota(h http.Header, now time.Time) Quota { return Quota(rest.ReadQuota(h, now)) }
