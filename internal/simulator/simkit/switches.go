package simkit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
)

// A struct of switches has string fields only; the tag json names a switch, the tag values lists what it may be,
// the default first; "" means the default.

// Values lists the values of every switch of S by its JSON name, the default first.
func Values[S any]() map[string][]string {
	values := map[string][]string{}
	for f := range reflect.TypeFor[S]().Fields() {
		values[f.Tag.Get("json")] = strings.Split(f.Tag.Get("values"), ",")
	}
	return values
}

// With gives a copy of s with one switch set by its JSON name.
func With[S any](s S, name, value string) (S, error) {
	text, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		return s, fmt.Errorf("set switch %s: %w", name, err)
	}
	return Merged(s, text)
}

// Merged reads a JSON object of switches over s; names and values that do not exist are errors.
func Merged[S any](s S, text []byte) (S, error) {
	var given map[string]string
	if err := json.Unmarshal(text, &given); err != nil {
		return s, fmt.Errorf("read switches: %w", err)
	}
	known := Values[S]()
	for name := range given {
		if known[name] == nil {
			return s, fmt.Errorf("set switch %s: no such switch", name)
		}
	}
	out := s
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		if value, ok := given[v.Type().Field(i).Tag.Get("json")]; ok {
			v.Field(i).SetString(value)
		}
	}
	if err := Validate(out); err != nil {
		return s, err
	}
	return Filled(out), nil
}

// Filled gives s with the default in every switch that says nothing.
func Filled[S any](s S) S {
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		if v.Field(i).String() == "" {
			first, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("values"), ",")
			v.Field(i).SetString(first)
		}
	}
	return s
}

// Validate refuses values that no switch has.
func Validate[S any](s S) error {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		allowed := strings.Split(tag.Get("values"), ",")
		if value := v.Field(i).String(); value != "" && !slices.Contains(allowed, value) {
			return fmt.Errorf("set switch %s: %q is none of %s", tag.Get("json"), value, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// Switchboard holds the switches of a server.
type Switchboard[S any] struct{ set atomic.Pointer[S] }

// Load gives the switches as they are.
func (b *Switchboard[S]) Load() *S { return b.set.Load() }

// Set replaces all switches.
func (b *Switchboard[S]) Set(s S) error {
	if err := Validate(s); err != nil {
		return err
	}
	s = Filled(s)
	b.set.Store(&s)
	return nil
}

// Merge sets the switches that a JSON object names and leaves the others.
func (b *Switchboard[S]) Merge(text []byte) error {
	merged, err := Merged(*b.Load(), text)
	if err == nil {
		b.set.Store(&merged)
	}
	return err
}
