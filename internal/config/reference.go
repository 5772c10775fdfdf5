package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Reference is docs/configuration.md, made from the tags of the settings.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Every service reads the same environment variables and takes what it needs. An
empty variable counts as not set. All faults are reported at once, with exit
code 2; ` + "`--check`" + ` finds them without starting, ` + "`--print-config`" + ` shows what is in
force, secrets masked.

Names below our prefixes (` + "`" + strings.Join(ownPrefixes, "`, `") + "`" + `)
that are not in this list are faults too, with the nearest name suggested;
variables that Kubernetes makes for services (` + "`KAFKA_PORT`, `PLANHAT_BRIDGE_SERVICE_HOST`" + `,
...) are left alone.

A secret is given in its variable or, better, in the file that the variable with
` + "`_FILE`" + ` names. Newlines at the end of the file do not count. The file is read
again when it changes, so a rotated secret needs no restart.

## All services

`)
	table(&b, "", reflect.TypeFor[settings]())
	b.WriteString(`
## Planhat workspaces

Settings of the workspace ` + "`acme-eu`" + ` start with ` + "`PLANHAT_ACME_EU_`" + `: upper case, ` + "`-`" + `
becomes ` + "`_`" + `. If there is only one workspace, its name may be left out:
` + "`PLANHAT_TOKEN`" + `.

`)
	table(&b, "PLANHAT_<NAME>_", workspaceKind.settings)
	b.WriteString(`
## Pipedrive accounts

The same for accounts: settings of ` + "`acme-eu`" + ` start with ` + "`PIPEDRIVE_ACME_EU_`" + `, those of the
only account with ` + "`PIPEDRIVE_`" + ` alone. [Pipedrive](pipedrive.md) shows how to set one up.

`)
	table(&b, "PIPEDRIVE_<NAME>_", accountKind.settings)
	return b.String()
}

func table(b *strings.Builder, prefix string, t reflect.Type) {
	b.WriteString("| variable | default | meaning |\n|---|---|---|\n")
	for f := range t.Fields() {
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, f.Tag.Get("env"), code(f.Tag.Get("envDefault")), meaning(f))
	}
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// meaning is the doc tag with the choices or bounds behind it.
func meaning(f reflect.StructField) string {
	out := f.Tag.Get("doc")
	if choices := f.Tag.Get("choices"); choices != "" {
		out += " One of `" + strings.ReplaceAll(choices, ",", "`, `") + "`."
	}
	if f.Tag.Get("min") != "" {
		out += fmt.Sprintf(" %s to %s.", f.Tag.Get("min"), f.Tag.Get("max"))
	}
	if f.Tag.Get("secret") != "" {
		out += " Secret."
	}
	return out
}
