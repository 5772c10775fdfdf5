package schemas

import "bytes"

// fewNames is how many names a nameSet compares one by one before it hashes.
const fewNames = 16

// nameSet is a set of names that is cheap while it is small and can be used again.
type nameSet struct {
	arena []byte
	ends  []int
	many  map[string]struct{}
}

func (s *nameSet) reset() {
	s.arena = s.arena[:0]
	s.ends = s.ends[:0]
	s.many = nil
}

// add tells whether the name is new, and keeps it.
func (s *nameSet) add(name []byte) bool {
	if s.many != nil {
		if _, ok := s.many[string(name)]; ok {
			return false
		}
		s.many[string(name)] = struct{}{}
		return true
	}
	start := 0
	for _, end := range s.ends {
		if bytes.Equal(s.arena[start:end], name) {
			return false
		}
		start = end
	}
	s.arena = append(s.arena, name...)
	s.ends = append(s.ends, len(s.arena))
	if len(s.ends) > fewNames {
		s.spread()
	}
	return true
}

func (s *nameSet) spread() {
	s.many = make(map[string]struct{}, 4*fewNames)
	start := 0
	for _, end := range s.ends {
		s.many[string(s.arena[start:end])] = struct{}{}
		start = end
	}
}
