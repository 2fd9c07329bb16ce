// Package trigger tells by an event's shape which of the platform's triggers has sent it. The
// shapes are those of the vendor's pages; the platform itself does not say. It is for logs: anybody
// who may call a function can send such an event.
package trigger

import (
	"strings"

	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/jsonscan"
)

// Other is an event of an unknown shape, such as a call of the API.
const Other = "other"

// types are the words in the member trigger_type of those triggers that say what they are.
var types = map[string]bool{"timer": true, "kafka": true, "rocketmq": true, "rabbitmq": true}

// shapes are the members by which the others are known. What is in element is the first one of the
// array that the member is.
var shapes = []struct {
	trigger, member, element string
}{
	{"obs", "Records", "s3"},
	{"obs", "Records", "obs"},
	{"smn", "record", "smn"},
	{"dds", "records", "dds"},
	{"dis", "ShardID", ""},
	{"lts", "lts", ""},
	{"cts", "cts", ""},
	{"cts", "trace_name", ""},
}

// Of returns the trigger's name in lower case: apig, timer, obs, smn, dis, kafka, rocketmq,
// rabbitmq, lts, cts, dds, or Other.
func Of(event []byte) string {
	if apig.IsCall(event) {
		return "apig"
	}
	members := map[string][]byte{"trigger_type": nil}
	for _, s := range shapes {
		members[s.member] = nil
	}
	whole := jsonscan.Object(event, func(key, value []byte) {
		if _, counts := members[string(key)]; counts {
			members[string(key)] = value
		}
	})
	if !whole {
		return Other
	}
	if name := strings.ToLower(string(jsonscan.Text(members["trigger_type"]))); types[name] {
		return name
	}
	for _, s := range shapes {
		if value := members[s.member]; value != nil && (s.element == "" || firstHas(value, s.element)) {
			return s.trigger
		}
	}
	return Other
}

// firstHas reports whether the first element of an array is an object with that member.
func firstHas(array []byte, name string) (has bool) {
	first := true
	jsonscan.Array(array, func(value []byte) {
		if first {
			jsonscan.Object(value, func(key, _ []byte) { has = has || string(key) == name })
		}
		first = false
	})
	return has
}
