package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

const (
	pipedriveDomain = "pipedrive.com"
	tokenInQuery    = "api_token=" // the old way to send a token: addresses are copied with it
)

// underPipedrive tells whether a host is Pipedrive's.
func underPipedrive(host string) bool {
	return strings.HasSuffix("."+strings.ToLower(strings.TrimSuffix(host, ".")), "."+pipedriveDomain)
}

// checkCompany says why a text cannot be meant as the address of a company at
// Pipedrive. The client reads every spelling, and takes other hosts for proxies;
// here hosts are refused that a slip of the hand makes of the right one: the
// token would be sent to strangers.
func checkCompany(text string) error {
	u, err := pipedrive.ParseURL(text)
	switch {
	case err != nil:
		return err
	case strings.Contains(text, tokenInQuery): // addresses are shown, tokens are not
		return errors.New("holds an API token; write the address without it, and the token into its own variable")
	}
	parsed, err := url.Parse(u.String())
	if err != nil {
		return errors.New("cannot be read; write the company's address, such as acme.pipedrive.com")
	}
	host := parsed.Hostname()
	switch labels := strings.Split(host, "."); {
	case underPipedrive(host):
		return nil
	case strings.HasSuffix("."+host, ".planhat.com"):
		return errors.New("is an address of Planhat's; write the company's at Pipedrive, such as acme.pipedrive.com")
	case len(labels) == 3 && labels[1] == "pipedrive": // acme.pipedrive.co
		return fmt.Errorf("is not under %s; did you mean %s.%s?", pipedriveDomain, labels[0], pipedriveDomain)
	case !strings.Contains(text, "://") && !loopback(host):
		return fmt.Errorf("is not under %s; write https:// in front of it if it is a proxy of yours", pipedriveDomain)
	}
	return nil
}
