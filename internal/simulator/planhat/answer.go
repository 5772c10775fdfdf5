package planhatsim

import (
	"encoding/json"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

type answer = simkit.Answer

const typeHTML = "text/html; charset=utf-8"

// proxyPage is what stands in for an answer where something between client and vendor speaks.
const proxyPage = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n"

func plain(status int, text string) answer {
	return answer{Status: status, Kind: simkit.TypeText, Body: []byte(text)}
}

func jsonAnswer(status int, body []byte) answer {
	return answer{Status: status, Kind: simkit.TypeJSON, Body: body}
}

func encoded(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return plain(http.StatusInternalServerError, err.Error())
	}
	return jsonAnswer(status, body)
}

func unauthorized(sw Switches) answer {
	switch sw.UnauthorizedBody {
	case "json":
		return encoded(http.StatusUnauthorized, map[string]string{"message": "Unauthorized"})
	case "empty":
		return answer{Status: http.StatusUnauthorized}
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
		return answer{Status: status}
	case "html":
		return answer{Status: status, Kind: typeHTML, Body: []byte("<html><body><pre>" + message + "</pre></body></html>")}
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
		return answer{Status: http.StatusNotFound}
	case "200-null":
		return jsonAnswer(http.StatusOK, []byte("null"))
	case "200-zero":
		return jsonAnswer(http.StatusOK, []byte(`{"n":0,"ok":1,"deletedCount":0}`))
	case "200-empty":
		return answer{Status: http.StatusOK}
	case "400-text":
		return plain(http.StatusBadRequest, "Cast to ObjectId failed")
	}
	return plain(http.StatusNotFound, "Not Found")
}
