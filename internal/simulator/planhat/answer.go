package planhatsim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is what the API says, before faults and the wire.
type answer struct {
	status int
	kind   string // content type
	body   []byte
	items  int
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
)

// proxyPage is what stands in for an answer where something between client and vendor speaks.
const proxyPage = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n"

func plain(status int, text string) answer {
	return answer{status: status, kind: typeText, body: []byte(text)}
}

func jsonAnswer(status int, body []byte) answer {
	return answer{status: status, kind: typeJSON, body: body}
}

func encoded(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return plain(http.StatusInternalServerError, err.Error())
	}
	return jsonAnswer(status, body)
}

// write sends an answer and gives its status.
func write(w http.ResponseWriter, a answer) int {
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone away is not the vendor's trouble
	return a.status
}

func unauthorized(sw Switches) answer {
	switch sw.UnauthorizedBody {
	case "json":
		return encoded(http.StatusUnauthorized, map[string]string{"message": "Unauthorized"})
	case "empty":
		return answer{status: http.StatusUnauthorized}
	}
	return plain(http.StatusUnauthorized, "Unauthorized")
}

// failure shapes the body of a 400, 403 or 409.
func failure(sw Switches, status int, message string) answer {
	switch sw.ErrorBody {
	case "error":
		return encoded(status, map[string]string{"error": message})
	case "string":
		return jsonAnswer(status, quoted(message))
	case "text":
		return plain(status, message)
	case "empty":
		return answer{status: status}
	case "html":
		return answer{status: status, kind: typeHTML, body: []byte("<html><body><pre>" + message + "</pre></body></html>")}
	}
	return encoded(status, map[string]string{"message": message})
}

func refused(sw Switches, err *refusal) answer {
	if err.text {
		return plain(err.status, err.message)
	}
	return failure(sw, err.status, err.message)
}

func forbidden(sw Switches, verb string, m *model) answer {
	message := "No permission to " + verb + " " + m.object
	switch sw.Forbidden {
	case "404":
		return plain(http.StatusNotFound, "Not Found")
	case "401":
		return unauthorized(sw)
	}
	return failure(sw, http.StatusForbidden, message)
}

// missing is the answer for a record that does not exist, as the switch of the verb says.
func missing(choice string) answer {
	switch choice {
	case "404-json":
		return encoded(http.StatusNotFound, map[string]string{"message": "Not Found"})
	case "404-empty":
		return answer{status: http.StatusNotFound}
	case "200-null":
		return jsonAnswer(http.StatusOK, []byte("null"))
	case "200-zero":
		return jsonAnswer(http.StatusOK, []byte(`{"n":0,"ok":1,"deletedCount":0}`))
	case "200-empty":
		return answer{status: http.StatusOK}
	case "400-text":
		return plain(http.StatusBadRequest, "Cast to ObjectId failed")
	}
	return plain(http.StatusNotFound, "Not Found")
}
