// Package flood holds the intake to its bounds: the real program, alone, under
// more of everything than it takes. Strangers without end, bodies of 100 MB, small
// ones that unpack to as much, senders that never finish: its memory stays below
// 128 MiB, its health is answered throughout, and whatever it answered 200 is on
// the topic.
//
//	FLOOD_FOR=60s go test ./test/flood -v -timeout 5m
package flood
