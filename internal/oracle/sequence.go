package oracle

// checkSequence: within a partition each event's sequence is greater than the
// one before it of the same stream, and no stream uses a sequence twice,
// whatever partition or topic it is on.
func checkSequence(e Evidence) []Mismatch {
	type lane struct {
		stream, topic string
		partition     int32
	}
	type number struct {
		stream   string
		sequence int64
	}
	last := map[lane]Change{}
	used := map[number]Change{}
	var out []Mismatch
	for _, o := range e.Objects {
		for _, c := range o.Changes {
			if c.Tombstone || c.Err != nil {
				continue
			}
			if c.Stream == "" {
				out = append(out, mismatchAt(c.Place, c.Key, "source.stream is empty"))
			}
			l, n := lane{c.Stream, c.Topic, c.Partition}, number{c.Stream, c.Sequence}
			if before, ok := used[n]; ok {
				out = append(out, mismatchAt(c.Place, c.Key, "sequence %d of stream %s was used at %s partition %d offset %d",
					c.Sequence, c.Stream, before.Topic, before.Partition, before.Offset))
			} else if before, ok := last[l]; ok && c.Sequence < before.Sequence {
				out = append(out, mismatchAt(c.Place, c.Key, "sequence %d of stream %s after %d at offset %d: events are out of order",
					c.Sequence, c.Stream, before.Sequence, before.Offset))
			}
			used[n], last[l] = c, c
		}
	}
	return out
}
