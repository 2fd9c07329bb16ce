package adapter

import (
	"encoding/json"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

// ProgramError reads an error as programs write it, a JSON object with errorType, errorMessage
// and stackTrace, whatever their JSON types: the error must not get lost because its type is a
// number. A missing member stays empty. It returns nil if text is not a JSON object.
func ProgramError(text []byte) *Error {
	var own map[string]json.RawMessage
	if json.Unmarshal(text, &own) != nil || own == nil {
		return nil
	}
	return &Error{
		Type:    string(jsonscan.Text(own["errorType"])),
		Message: string(jsonscan.Text(own["errorMessage"])),
		Stack:   ownStack(own["stackTrace"]),
	}
}

// ownStack is an array's elements, or the lines of one text.
func ownStack(raw json.RawMessage) []string {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		if text := string(jsonscan.Text(raw)); text != "" {
			return strings.Split(strings.TrimRight(text, "\n"), "\n")
		}
		return nil
	}
	var stack []string
	for _, element := range elements {
		stack = append(stack, string(jsonscan.Text(element)))
	}
	return stack
}
