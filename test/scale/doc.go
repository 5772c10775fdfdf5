// Package scale holds the source to figures on a tenant of a size that many
// have: 5,000 companies and 50,000 endusers. It counts the calls that a snapshot
// makes, and reads from the kernel how much memory the process takes.
package scale
