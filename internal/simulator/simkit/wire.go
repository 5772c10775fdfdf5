package simkit

import (
	"net"
	"net/http"
)

// Drop takes the connection of a request over, does something with it and closes it without an answer.
func Drop(w http.ResponseWriter, last func(net.Conn)) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders: the way net/http gives for it
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	last(conn)
	_ = conn.Close()
}

// Reset ends the connection of a request with RST rather than FIN.
func Reset(w http.ResponseWriter) {
	Drop(w, func(conn net.Conn) {
		if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = inner.NetConn()
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the client sees FIN, which is a fault too
		}
	})
}
