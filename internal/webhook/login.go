package webhook

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync/atomic"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// lookAgain is how often the files of passwords are looked at, at most.
const lookAgain = time.Second

// login is the user and the two passwords of an account: while the second
// replaces the first, both are right. Only their hashes are compared, so that the
// time it takes says nothing of them, neither of their length.
type login struct {
	user      [sha256.Size]byte
	passwords []*config.Secret // one or two
	hashed    atomic.Pointer[hashed]
}

// hashed are the passwords as they were at a time.
type hashed struct {
	at        time.Time
	accepted  int // how many there were
	passwords [2][sha256.Size]byte
}

func newLogin(a config.Account) *login {
	l := &login{user: sha256.Sum256([]byte(a.WebhookUser)), passwords: []*config.Secret{a.WebhookPassword}}
	if a.WebhookPasswordPrevious.IsSet() {
		l.passwords = append(l.passwords, a.WebhookPasswordPrevious)
	}
	return l
}

// stranger is the login of an account that there is not: nothing fits it, and to
// find that out takes as long as for any other.
func stranger() *login {
	secret := config.NewSecret(rand.Text())
	return &login{user: sha256.Sum256([]byte(rand.Text())), passwords: []*config.Secret{secret}}
}

// accepts compares everything, whatever is wrong.
func (l *login) accepts(user, password string, now time.Time) bool {
	h, u, p := l.current(now), sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	right := subtle.ConstantTimeCompare(u[:], l.user[:])
	either := subtle.ConstantTimeCompare(p[:], h.passwords[0][:]) | subtle.ConstantTimeCompare(p[:], h.passwords[1][:])
	return right&either == 1
}

// current are the passwords as they stand in their files.
func (l *login) current(now time.Time) *hashed {
	h := l.hashed.Load()
	if h != nil && now.Sub(h.at) < lookAgain {
		return h
	}
	fresh := &hashed{at: now}
	for _, p := range l.passwords {
		if password := p.Current(); password != "" { // else the file of the second is empty
			fresh.passwords[fresh.accepted] = sha256.Sum256([]byte(password))
			fresh.accepted++
		}
	}
	for i := fresh.accepted; i > 0 && i < len(fresh.passwords); i++ {
		fresh.passwords[i] = fresh.passwords[0]
	}
	l.hashed.Store(fresh)
	return fresh
}
