package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// parse fills into (a pointer to a flat struct of settings) from the
// environment and checks the tags. A variable with a fault keeps its zero
// value, so that the checks that follow can go on.
func parse(into any, prefix string, r *report) {
	fields := reflect.TypeOf(into).Elem()
	bad := map[string]bool{}
	err := env.ParseWithOptions(into, env.Options{Environment: r.env, Prefix: prefix})
	for _, e := range parts(err) {
		var pe env.ParseError
		if !errors.As(e, &pe) {
			r.addf(prefix, "%v", e)
			continue
		}
		f, _ := fields.FieldByName(pe.Name) // the struct is flat: names are unique
		bad[f.Name] = true
		r.addf(prefix+f.Tag.Get("env"), "%v", pe.Err)
	}
	for f := range fields.Fields() {
		if !bad[f.Name] {
			checkTags(prefix+f.Tag.Get("env"), f, reflect.ValueOf(into).Elem().FieldByIndex(f.Index), r)
		}
	}
}

func parts(err error) []error {
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		return all.Errors
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

func checkTags(variable string, f reflect.StructField, v reflect.Value, r *report) {
	if choices := f.Tag.Get("choices"); choices != "" && v.String() != "" {
		if !slices.Contains(strings.Split(choices, ","), v.String()) {
			r.addf(variable, "is not one of the choices; write one of %s", strings.ReplaceAll(choices, ",", ", "))
			v.SetString("")
		}
	}
	if b, ok := reflect.TypeAssert[bounded](v); ok && f.Tag.Get("min") != "" {
		if err := b.within(f.Tag.Get("min"), f.Tag.Get("max")); err != nil {
			r.addf(variable, "%v", err)
			v.SetZero()
		}
	}
}
