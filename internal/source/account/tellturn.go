package account

import "github.com/planhat-bridge/planhat-bridge/schemas"

// turnsTold are the states of a stream that operators are notified of, with what
// ends them.
var turnsTold = map[string]struct{ begins, ends schemas.NotificationKind }{
	stateHeld:      {schemas.NotifyStreamHeld, schemas.NotifyStreamReleased},
	stateForbidden: {schemas.NotifyStreamForbidden, schemas.NotifyStreamAllowed},
}

// tellTurn notifies of a state that stops a stream, and of its end.
func (a *Account) tellTurn(s *stream, was string) {
	n := schemas.Notification{Stream: string(s.Object), Object: string(s.Object)}
	if ended, told := turnsTold[was]; told && s.state != stateRetrying {
		n.Kind, n.Message = ended.ends, "the stream goes on"
		a.notify(n)
	}
	if began, told := turnsTold[s.state]; told {
		n.Kind, n.Message = began.begins, s.cause
		a.notify(n)
	}
}
