package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

// variables are the entries of an environment; the last of equal names wins.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			vars[name] = value
		}
	}
	return vars
}

// merge lays the user data over the process environment: encrypted variables exist only there.
func (r *report) merge(process map[string]string) map[string]string {
	vars := maps.Clone(process)
	r.overlay(vars, vars[userData])
	return vars
}

// encrypted are the variables that the user had encrypted: those that the user data have and the
// process environment has not. That says something only if the platform puts plain variables into
// the environment, which is known if one is there.
func encrypted(process map[string]string) map[string]string {
	object, _ := decodeUserData(process[userData]) // a fault in it is a problem already
	all, plain := map[string]string{}, false
	for name, raw := range object {
		value := text(raw)
		if set, found := process[name]; !found || set != value {
			all[name] = value
		} else if !strings.HasPrefix(name, runtimePrefix) {
			plain = true
		}
	}
	if !plain {
		return nil
	}
	return all
}

func (r *report) overlay(vars map[string]string, data string) {
	if strings.TrimSpace(data) == "" {
		return
	}
	object, err := decodeUserData(data)
	if err != nil {
		r.userDataFault(err)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if value, ok := r.entry(key, object[key]); ok {
			vars[key] = value
		}
	}
}

// decodeUserData treats the JSON null as an empty object: some encoders write it that way.
func decodeUserData(data string) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	err := json.Unmarshal([]byte(data), &object)
	return object, err
}

// userDataFault says where the JSON breaks. The decoder's own error would quote the content.
func (r *report) userDataFault(err error) {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		r.problemf("%s is not valid JSON: syntax error at byte %d; it must be a JSON object of variables", userData, syntax.Offset)
		return
	}
	r.problemf("%s is JSON but not an object; it must be a JSON object of variables", userData)
}

// entry gives the text of one variable of the user data, and false if it can't be one.
func (r *report) entry(key string, raw json.RawMessage) (string, bool) {
	value := text(raw)
	before, _, hasEqual := strings.Cut(key, "=")
	switch {
	case strings.HasPrefix(key, runtimePrefix):
		r.warnf("the key %s of %s is ignored: names that start with %s are the platform's", showName(key), userData, runtimePrefix)
	case key == "":
		r.problemf("%s has an empty key; a variable needs a name", userData)
	case hasEqual:
		// What follows may be a value: {"TOKEN=abc": ""} is a likely slip.
		r.problemf("%s has a key with = in it, after %q; no variable can have that name", userData, cut(before))
	case strings.ContainsRune(key, 0):
		r.problemf("%s has the key %q with a NUL byte in it; no variable can have that name", userData, cut(key))
	case strings.ContainsRune(value, 0):
		r.problemf("the value of %s in %s has a NUL byte in it; no variable can hold that", showName(key), userData)
	default:
		return value, true
	}
	return "", false
}

// text is a string's content, or the JSON of anything else: numbers as they were written, objects
// on one line.
func text(raw json.RawMessage) string {
	if raw[0] == '"' {
		return string(jsonscan.Text(raw))
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return string(raw)
	}
	return line.String()
}
