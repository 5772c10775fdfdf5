package service

import (
	"errors"
	"fmt"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func codeOf(err error) int {
	if exit, ok := errors.AsType[ops.Exit](err); ok {
		return exit.Code
	}
	return -1
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	call := func(k planhat.Kind) error {
		return errors.Join(fmt.Errorf("workspace acme: %w", &planhat.Error{Kind: k, Action: "list", Subject: "companies"}))
	}
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"all is well":         {unreachable(nil), -1},
		"refused token":       {unreachable(call(planhat.KindUnauthorized)), ops.CodeUnreachable},
		"forbidden":           {unreachable(call(planhat.KindForbidden)), ops.CodeUnreachable},
		"no answer":           {unreachable(call(planhat.KindUnavailable)), ops.CodeUnreachable},
		"a topic is wrong":    {refusals(errors.Join(errors.New("x"), &kafka.TopicError{Topic: "t"})), ops.CodeBadSetup},
		"kafka does not mind": {refusals(errors.New("no answer")), -1},
	} {
		if got := codeOf(c.err); got != c.code {
			t.Errorf("%s: code %d, want %d (%v)", name, got, c.code, c.err)
		}
	}
}
