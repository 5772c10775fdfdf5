package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// How long the catalogue is believed, how long its reading may take, and when it
// is tried again after trouble.
const (
	catalogueLife     = 10 * time.Minute
	catalogueDeadline = 30 * time.Second
	catalogueRetry    = time.Minute
)

// catalogue knows the custom fields of the workspace: Planhat stores values
// under names that it does not know, and says nothing. It is read when the first
// command names a custom field. Only the goroutine that reads commands uses it.
type catalogue struct {
	w        *workspace
	asked    time.Time // when it was last asked for, with or without success
	byParent map[string]plan.CustomFields
	failed   string // why it is not known or not new; "" if the last reading went well
}

// documentedParents have custom fields by Planhat's documentation, which does
// not spell all of them: an object that neither it nor the catalogue names is
// not checked.
var documentedParents = []string{"company", "enduser", "asset", "project", "conversation"}

// parentOf is the name, in lower case, under which the catalogue lists the
// fields of an object.
func parentOf(o planhat.Object) string {
	if o == planhat.Note {
		return string(planhat.Conversation)
	}
	return string(o)
}

// of gives the custom fields of an object; false where they are not known.
func (c *catalogue) of(o planhat.Object) (plan.CustomFields, bool) {
	fields, ok := c.byParent[parentOf(o)]
	return fields, ok
}

// namesCustom tells whether a command may set custom fields that are to be
// checked.
func namesCustom(c *schemas.Command) bool {
	return !c.AllowUnknownFields && bytes.Contains(c.Fields, []byte(`"custom`))
}

// ensure reads the catalogue unless it is known and fresh.
func (c *catalogue) ensure(ctx context.Context) {
	life := catalogueLife
	if c.failed != "" {
		life = catalogueRetry
	}
	if c.asked.IsZero() || time.Since(c.asked) > life {
		c.read(ctx)
	}
}

// renew reads the catalogue again, for a name that it does not have, and tells
// whether it did. Misspelt names must not spend the budget: if that was done a
// moment ago, it is not done.
func (c *catalogue) renew(ctx context.Context) bool {
	if time.Since(c.asked) < c.w.times.Catalogue {
		return false
	}
	c.read(ctx)
	return c.failed == ""
}

// read replaces what is known. Where the vendor does not answer, what was known
// stands; a workspace whose token may not see the catalogue goes on without.
func (c *catalogue) read(ctx context.Context) {
	byParent, err := c.fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	failed := ""
	if err != nil {
		failed = err.Error()
	} else {
		c.byParent = byParent
	}
	if (failed == "") != (c.failed == "") {
		c.say(failed)
	}
	c.failed, c.asked = failed, time.Now()
	c.w.setCatalogue(c.status())
}

// fetch asks for the catalogue. While the vendor refuses the token nothing can
// be written, so that nothing is lost by waiting.
func (c *catalogue) fetch(ctx context.Context) (map[string]plan.CustomFields, error) {
	for {
		byParent, token, err := c.ask(ctx)
		if ctx.Err() != nil {
			return nil, err
		}
		if token == "" && c.w.access.refusing() {
			continue
		}
		if planhat.KindOf(err) != planhat.KindUnauthorized {
			return byParent, err
		}
		if good, looked := c.w.access.again(ctx, token); good || looked != nil {
			return nil, err
		}
	}
}

// ask reads the catalogue with the token that calls may be made with; "" if there was none
// in time.
func (c *catalogue) ask(ctx context.Context) (byParent map[string]plan.CustomFields, token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, catalogueDeadline)
	defer cancel()
	if token, err = c.w.access.enter(ctx); err != nil {
		return nil, "", err
	}
	byParent, err = readCatalogue(ctx, c.w.client)
	return byParent, token, err
}

func (c *catalogue) say(failed string) {
	switch {
	case failed == "":
		c.w.log.Info("the catalogue of custom fields is read again", "workspace", c.w.cfg.Name)
	case c.byParent == nil:
		c.w.log.Warn("names of custom fields are not checked: the catalogue cannot be read", "workspace", c.w.cfg.Name, "error", failed)
	default:
		c.w.log.Warn("names of custom fields are checked by an older catalogue: it cannot be read", "workspace", c.w.cfg.Name, "error", failed)
	}
}

func (c *catalogue) status() *CatalogueStatus {
	st := &CatalogueStatus{Known: c.byParent != nil, Cause: c.failed, Asked: c.asked}
	for _, fields := range c.byParent {
		st.Fields += len(fields)
	}
	return st
}

func readCatalogue(ctx context.Context, client *planhat.Client) (map[string]plan.CustomFields, error) {
	byParent := map[string]plan.CustomFields{}
	for _, parent := range documentedParents {
		byParent[parent] = plan.CustomFields{}
	}
	for page, err := range client.Pages(ctx, planhat.CustomField, planhat.ListOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("read the catalogue of custom fields: %w", err)
		}
		for _, row := range page.Rows {
			var f struct {
				Name      string `json:"name"`
				Parent    string `json:"parent"`
				IsFormula any    `json:"isFormula"`
			}
			if err := json.Unmarshal(row.Raw, &f); err != nil {
				return nil, fmt.Errorf("read custom field %s: %w", row.ID, err)
			}
			parent := strings.ToLower(f.Parent)
			if byParent[parent] == nil {
				byParent[parent] = plan.CustomFields{}
			}
			byParent[parent][f.Name] = f.IsFormula == true
		}
	}
	return byParent, nil
}
