package cdc

// Verdict says what a sighted row means for what is known of its record.
type Verdict uint8

// The verdicts.
const (
	VerdictUnchanged Verdict = iota // same content; its stamp and raw hash are news nevertheless
	VerdictNew                      // not known before
	VerdictChanged                  // other content
	VerdictStale                    // older than what is known: drop the row, leave the entry as it is
)

var verdictNames = [...]string{"unchanged", "new", "changed", "stale"}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// Decide compares a row, given by its fingerprint and facts, with the entry of
// its record; has is false if there is none. A row is stale if both have stamps
// and the row's is older: no reader may see an older version over a newer one.
// Without stamps the later sighting is the truth.
func Decide(known Entry, has bool, fingerprint uint64, facts Facts) Verdict {
	switch {
	case !has:
		return VerdictNew
	case facts.HasStamp && known.Stamp != 0 && facts.Stamp < known.Stamp:
		return VerdictStale
	case fingerprint == known.Fingerprint:
		return VerdictUnchanged
	default:
		return VerdictChanged
	}
}
