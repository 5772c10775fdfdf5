package tell

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Done is the answer to a signal that is obeyed.
func Done(format string, args ...any) schemas.Notification {
	return schemas.Notification{Kind: schemas.NotifySignalDone, Message: fmt.Sprintf(format, args...)}
}

// Refuse is the answer to a signal that is not obeyed.
func Refuse(code schemas.SignalCode, format string, args ...any) schemas.Notification {
	return schemas.Notification{Kind: schemas.NotifySignalRefused, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unfit refuses what nobody obeys, whatever it is for: a record that is not a signal,
// which err says, an unknown signal, and one whose time is over.
func Unfit(sig schemas.Signal, err error, now time.Time) (answer schemas.Notification, unfit bool) {
	switch {
	case err != nil:
		return Refuse(schemas.SignalUndecodable, "%v", err), true
	case !slices.Contains(schemas.Signals(), sig.Signal):
		return Refuse(schemas.SignalUnknown, "there is no signal %q: there are %s", sig.Signal, strings.Join(schemas.Signals(), ", ")), true
	case sig.NotAfter != nil && now.After(*sig.NotAfter):
		return Refuse(schemas.SignalExpired, "it was to be obeyed until %s and was read at %s", sig.NotAfter.UTC(), now.UTC()), true
	}
	return schemas.Notification{}, false
}
