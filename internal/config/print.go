package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Print shows the configuration in force, one "Path = value" a line, secrets
// masked. It is meant for people and made by walking the fields, so that no
// new one is forgotten.
func (c Config) Print() string {
	var b strings.Builder
	printValue(&b, "", reflect.ValueOf(c))
	return b.String()
}

func printValue(b *strings.Builder, path string, v reflect.Value) {
	switch x := v.Interface().(type) {
	case *Secret:
		fmt.Fprintf(b, "%s = %s\n", path, secretLine(x))
		return
	case time.Duration, Freshness, DeleteGuard:
		fmt.Fprintf(b, "%s = %v\n", path, x)
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			printValue(b, strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			printValue(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Map || v.Kind() == reflect.String:
		text, _ := json.Marshal(v.Interface()) //nolint:errchkjson // strings, lists and maps of them: cannot fail
		fmt.Fprintf(b, "%s = %s\n", path, text)
	default:
		fmt.Fprintf(b, "%s = %v\n", path, v.Interface())
	}
}

func secretLine(s *Secret) string {
	switch {
	case !s.IsSet():
		return "(not set)"
	case s.Origin() != "":
		return masked + " (from " + s.Origin() + ")"
	}
	return masked
}
