package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The types of variables. Each reads its text and says in its error what to
// write instead; the caller adds the variable and the value.
type (
	boolean       bool
	whole         int
	duration      time.Duration
	fraction      float64
	list          []string
	pairs         map[string]string
	address       string // of an API: paths are appended to it
	endpoint      string // used as it is
	addressList   []string
	addresses     []string
	listenAddress string
)

func (b *boolean) UnmarshalText(text []byte) error {
	v, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(string(text))))
	if err != nil {
		return errors.New("is neither true nor false; write true or false")
	}
	*b = boolean(v)
	return nil
}

func (w *whole) UnmarshalText(text []byte) error {
	v, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return errors.New("is not a whole number; write digits such as 3")
	}
	*w = whole(v)
	return nil
}

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return errors.New("is not a duration; write a number and a unit such as 500ms, 30s or 5m")
	}
	*d = duration(v)
	return nil
}

func (f *fraction) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || !(v > 0 && v <= 1) { // not true for NaN either
		return errors.New("is not a share; write a number above 0 and at most 1, such as 0.5")
	}
	*f = fraction(v)
	return nil
}

func (l *list) UnmarshalText(text []byte) error {
	*l = splitList(string(text))
	if len(*l) == 0 {
		return errors.New("holds no name; write names separated by commas, or leave the variable out")
	}
	return nil
}

func (p *pairs) UnmarshalText(text []byte) error {
	*p = pairs{}
	for _, part := range splitList(string(text)) {
		name, value, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return errors.New("is not a list of name=value; write pairs separated by commas")
		}
		(*p)[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return nil
}

func (a *address) UnmarshalText(text []byte) error {
	v, err := parseURL(string(text))
	*a = address(v)
	return err
}

func (e *endpoint) UnmarshalText(text []byte) error {
	v := strings.TrimSpace(string(text))
	base, _, _ := strings.Cut(v, "?")
	if _, err := parseURL(base); err != nil {
		return err
	}
	*e = endpoint(v)
	return nil
}

func (a *addressList) UnmarshalText(text []byte) error {
	for _, part := range splitList(string(text)) {
		v, err := parseURL(part)
		if err != nil {
			return err
		}
		*a = append(*a, v)
	}
	if len(*a) == 0 {
		return errors.New("holds no address; write one such as https://host:8081")
	}
	return nil
}

// parseURL takes http and https addresses with any path, without credentials,
// query and fragment, and drops trailing slashes.
func parseURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "", errors.New("is not an address; write it with http:// or https:// and a host")
	case u.User != nil:
		return "", errors.New("holds credentials; put them into the variables made for them, where they are masked")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("has a query or fragment; write the address without it")
	}
	if err := checkPort(u.Port(), 1); u.Port() != "" && err != nil {
		return "", err
	}
	return strings.TrimRight(text, "/"), nil
}

func (a *addresses) UnmarshalText(text []byte) error {
	for _, part := range splitList(string(text)) {
		host, port, err := net.SplitHostPort(part)
		if strings.Contains(part, "://") {
			return errors.New("has an address with a scheme; write host:port alone")
		}
		if err != nil || host == "" {
			return errors.New("is not a list of addresses; write host:port, separated by commas")
		}
		if err := checkPort(port, 1); err != nil {
			return err
		}
		*a = append(*a, part)
	}
	if len(*a) == 0 {
		return errors.New("holds no address; write host:port, separated by commas")
	}
	return nil
}

func (a *listenAddress) UnmarshalText(text []byte) error {
	v := strings.TrimSpace(string(text))
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return errors.New("is not an address to listen on; write :port or host:port, such as :9102")
	}
	if err := checkPort(port, 0); err != nil {
		return err
	}
	*a = listenAddress(v)
	return nil
}

func checkPort(port string, least int) error {
	n, err := strconv.Atoi(port)
	if err != nil || n < least || n > 65535 {
		return fmt.Errorf("has a port outside of %d to 65535; write a number in that range", least)
	}
	return nil
}

// bounded values are held to the min and max tags of their fields.
type bounded interface {
	within(least, most string) error
}

func (w whole) within(least, most string) error {
	lo, _ := strconv.Atoi(least)
	hi, _ := strconv.Atoi(most)
	return inside(int(w), lo, hi, least, most)
}

func (d duration) within(least, most string) error {
	lo, _ := time.ParseDuration(least)
	hi, _ := time.ParseDuration(most)
	return inside(time.Duration(d), lo, hi, least, most)
}

func inside[T cmp.Ordered](v, lo, hi T, least, most string) error {
	if v < lo || v > hi {
		return fmt.Errorf("is out of range; write a value from %s to %s", least, most)
	}
	return nil
}
