package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const pipedriveDomain = "pipedrive.com"

// notCompanies are hosts of Pipedrive that belong to no company.
var notCompanies = []string{"www", "app", "api", "oauth", "developers", "support", "community", "marketplace", "help", "status"}

var companyForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// underPipedrive tells whether a host is Pipedrive's.
func underPipedrive(host string) bool {
	return strings.HasSuffix("."+strings.ToLower(strings.TrimSuffix(host, ".")), "."+pipedriveDomain)
}

// checkCompany says why a text cannot be meant as the address of a company at
// Pipedrive. People paste it in many spellings: the name alone, the host, with a
// version of the API behind it, or a page that they look at.
func checkCompany(text string) error {
	spelt, bare := text, !strings.Contains(text, "://")
	if bare {
		spelt = "https://" + text
	}
	u, err := url.Parse(spelt)
	switch {
	case err != nil, u.Hostname() == "", u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is not an address; write the company's, such as acme.pipedrive.com")
	case u.User != nil:
		return errors.New("holds credentials; write the address alone, and the token into the variable made for it")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case underPipedrive(host):
		return checkHost(host, u)
	case bare && u.Port() == "" && !strings.Contains(host, "."):
		return checkHost(host+"."+pipedriveDomain, u)
	case strings.HasSuffix("."+host, ".planhat.com"):
		return errors.New("is an address of Planhat's; write the company's at Pipedrive, such as acme.pipedrive.com")
	case misspeltDomain(host):
		return fmt.Errorf("is not under %s; did you mean %s.%s?", pipedriveDomain, strings.Split(host, ".")[0], pipedriveDomain)
	case bare:
		return fmt.Errorf("is not under %s; write https:// in front of it if it is a proxy of yours", pipedriveDomain)
	}
	return nil
}

// misspeltDomain is true of acme.pipedrive.co and the like.
func misspeltDomain(host string) bool {
	labels := strings.Split(host, ".")
	return len(labels) == 3 && labels[1] == "pipedrive"
}

// checkHost checks a host below pipedrive.com.
func checkHost(host string, u *url.URL) error {
	company := strings.TrimSuffix(strings.TrimSuffix(host, pipedriveDomain), ".")
	switch {
	case company == "", slices.Contains(notCompanies, company):
		return fmt.Errorf("names no company; write the address that the browser shows after the login, such as acme.%s", pipedriveDomain)
	case !companyForm.MatchString(company):
		return fmt.Errorf("has %q where the company stands; write one name of a-z, 0-9 and -, such as acme.%s", company, pipedriveDomain)
	case u.Scheme != "https":
		return errors.New("is not https, so that the token would be sent in the clear; write https://")
	case u.Port() != "" && u.Port() != "443":
		return errors.New("has a port that Pipedrive does not answer on; write the address without it")
	}
	return nil
}
