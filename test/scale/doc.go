// Package scale holds the source to figures on a tenant of a size that many
// have: 5,000 companies and 50,000 endusers, or as many as SCALE_ENDUSERS says. It
// counts the calls that a snapshot makes, and reads from the kernel how much memory
// and processor time the process takes. A restore is measured with a state of a
// million records.
package scale
