package account

import "github.com/planhat-bridge/planhat-bridge/schemas"

// turnsTold are the states of a stream that operators are notified of, with what
// ends them.
var turnsTold = map[string]struct{ begins, ends schemas.NotificationKind }{
	stateHeld:      {schemas.NotifyStreamHeld, schemas.NotifyStreamReleased},
	stateForbidden: {schemas.NotifyStreamForbidden, schemas.NotifyStreamAllowed},
}

// tellTurn notifies of a state that stops a stream, and of its end.
// Retrying ends nothing.
func (a *Account) tellTurn(s *stream) {
	if s.state == stateRetrying || s.state == s.told {
		return
	}
	n := schemas.Notification{Stream: string(s.Object), Object: string(s.Object)}
	if ended, told := turnsTold[s.told]; told {
		n.Kind, n.Message = ended.ends, "the stream goes on"
		a.notify(n)
	}
	s.told = ""
	if began, told := turnsTold[s.state]; told {
		s.told = s.state
		n.Kind, n.Message = began.begins, s.cause
		a.notify(n)
	}
}
