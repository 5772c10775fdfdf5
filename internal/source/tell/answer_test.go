package tell_test

import (
	"errors"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func TestWhatNobodyObeys(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	before := now.Add(-time.Second)
	for _, c := range []struct {
		sig  schemas.Signal
		err  error
		code schemas.SignalCode
	}{
		{schemas.Signal{Signal: schemas.SignalPause}, errors.New("no JSON"), schemas.SignalUndecodable},
		{schemas.Signal{Signal: "stop"}, nil, schemas.SignalUnknown},
		{schemas.Signal{Signal: schemas.SignalPause, NotAfter: &before}, nil, schemas.SignalExpired},
		{schemas.Signal{Signal: schemas.SignalPause, NotAfter: &now}, nil, ""},
	} {
		if answer, unfit := tell.Unfit(c.sig, c.err, now); answer.Code != c.code || unfit != (c.code != "") {
			t.Errorf("%+v, %v: %v, %+v", c.sig, c.err, unfit, answer)
		}
	}
}
