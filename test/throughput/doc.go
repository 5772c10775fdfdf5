// Package throughput holds a sink to its speed: how many calls it makes, in which order,
// how many at a time, and when after a vendor asked it to wait.
//
// Broker, registry, vendor and sink run in this process; the vendor takes 20 ms to answer,
// and no budget paces the calls. go test runs each story small, and asks less of its
// rates, since the machine has other work. make throughput runs it whole and holds the
// rates to what is promised.
package throughput
