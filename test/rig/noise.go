package rig

import (
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Noise is the n-th text that does not compress well.
func Noise(n, bytes int) string {
	raw := make([]byte, bytes*3/4)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}

// LimitTopic sets what a topic takes.
func LimitTopic(t *testing.T, client *kgo.Client, topic string, bytes int) {
	t.Helper()
	value := strconv.Itoa(bytes)
	answers, err := kadm.NewClient(client).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, topic)
	if err == nil && len(answers) == 1 {
		err = answers[0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
}
