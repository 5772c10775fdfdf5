package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxStatus bounds what is read of an admin endpoint.
const maxStatus = 4 << 20

// status is what of /status of both services is judged.
type status struct {
	Workspaces []partyStatus `json:"workspaces"`
	Accounts   []partyStatus `json:"accounts"`
}

// partyStatus is that of a workspace or an account.
type partyStatus struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Cause    string `json:"cause"`
	Webhooks struct {
		State string `json:"state"`
		Cause string `json:"cause"`
	} `json:"webhooks"`
	Streams []struct {
		Name  string `json:"name"`
		State string `json:"state"`
		Cause string `json:"cause"`
		Held  bool   `json:"deletes_held"`
	} `json:"streams"`
}

// service asks a service that runs how it is; url "" leaves it out.
func (x *examiner) service(ctx context.Context, role, url string) {
	if url == "" {
		return
	}
	p := part{x: x, area: role}
	url = strings.TrimRight(url, "/")
	code, body, err := x.fetch(ctx, url+"/readyz")
	switch {
	case err != nil:
		p.away("reachable", "check --"+role+"-url: it is the address of ADMIN_ADDR of a "+role+" that runs", err)
		return
	case code != http.StatusOK && code != http.StatusServiceUnavailable:
		p.failf("ready", "check --"+role+"-url: it is the address of ADMIN_ADDR, without a path", "%s/readyz answers with %d", url, code)
		return
	case code != http.StatusOK:
		p.failf("ready", "mend what is named; the checks above say how", "%s is not ready: %s", url, strings.TrimSpace(body))
	default:
		p.okf("ready", "%s is ready: %s", url, strings.TrimSpace(body))
	}
	code, body, err = x.fetch(ctx, url+"/status")
	all := map[string]json.RawMessage{}
	var s status
	if err == nil && code == http.StatusOK {
		err = json.Unmarshal([]byte(body), &all)
	}
	if err == nil && all[role] == nil {
		err = fmt.Errorf("it is not the status of a %s", role)
	}
	if err == nil {
		err = json.Unmarshal(all[role], &s)
	}
	if err != nil {
		p.failf("status", "check --"+role+"-url", "%s/status (%d): %v", url, code, err)
		return
	}
	p.states(s)
}

// states tells what does not work, in the service's own words.
func (p part) states(s status) {
	bad := 0
	for _, ws := range s.Workspaces {
		p.workspace = ws.Name
		bad += p.party(ws, "planhat "+ws.Name, "--workspace "+ws.Name, "--stream")
	}
	p.workspace = ""
	for _, a := range s.Accounts {
		p.account = a.Name
		bad += p.party(a, "pipedrive "+a.Name, "--account "+a.Name, "--object")
		if w := a.Webhooks; !healthy(w.State) && w.State != "off" {
			bad++
			p.warnf("webhooks", "the checks of pipedrive "+a.Name+" say how; until then reconciliation finds the changes", "%s: %s", w.State, w.Cause)
		}
	}
	p.account = ""
	if bad == 0 {
		p.okf("status", "%s, no trouble with any", tenants(len(s.Workspaces), len(s.Accounts)))
	}
}

// party tells what does not work for one of them, and counts it. Signals name it and its
// streams by these flags.
func (p part) party(s partyStatus, area, name, stream string) (bad int) {
	if s.State == "paused" {
		p.warnf(what(p), fmt.Sprintf("planhatctl signal resume %s, when the reason is gone", name), "%s", s.Cause)
		return 1
	}
	if !healthy(s.State) {
		bad++
		p.failf(what(p), "the checks of "+area+" say how", "%s: %s", s.State, s.Cause)
	}
	for _, st := range s.Streams {
		of := name + " " + stream + " " + st.Name
		switch {
		case st.Held:
			p.warnf("stream "+st.Name, fmt.Sprintf("if so many records are gone at %s: planhatctl signal release %s", vendorOf(p), of), "deletes are held: too many records were gone at once")
		case st.State == "paused":
			p.warnf("stream "+st.Name, fmt.Sprintf("planhatctl signal resume %s, when the reason is gone", of), "%s", st.Cause)
		case st.State == "retrying":
			p.warnf("stream "+st.Name, "wait, and see its log if it stays so", "retrying: %s", st.Cause)
		case !healthy(st.State):
			p.failf("stream "+st.Name, "mend what is named", "%s: %s", st.State, st.Cause)
		default:
			continue
		}
		bad++
	}
	return bad
}

func vendorOf(p part) string {
	if p.account != "" {
		return "Pipedrive"
	}
	return "Planhat"
}

// what a part's party is.
func what(p part) string {
	if p.account != "" {
		return "account"
	}
	return "workspace"
}

// healthy: an empty state is that of a workspace whose shard another process owns.
func healthy(state string) bool { return state == "" || state == "ok" || state == "starting" }

func (x *examiner) fetch(ctx context.Context, url string) (int, string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, x.Timeout, fmt.Errorf("no answer within %s", x.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("ask %s: %w", url, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("ask %s: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", url, err)
	}
	return resp.StatusCode, string(body), nil
}
