package gateway

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose keys keep their order; a key has one string, or an array of several.
type object struct {
	keys   []string
	values map[string][]string
}

func (o *object) add(key, value string) { o.put(key, append(o.values[key], value)) }

func (o *object) set(key, value string) { o.put(key, []string{value}) }

func (o *object) put(key string, values []string) {
	if o.values == nil {
		o.values = make(map[string][]string)
	}
	if _, known := o.values[key]; !known {
		o.keys = append(o.keys, key)
	}
	o.values[key] = values
}

// MarshalJSON implements json.Marshaler.
func (o *object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := plainJSON(key)
		if err != nil {
			return nil, err
		}
		var value any = o.values[key]
		if one := o.values[key]; len(one) == 1 {
			value = one[0]
		}
		text, err := plainJSON(value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), text...)
	}
	return append(b, '}'), nil
}

// plainJSON leaves < > & as they are.
func plainJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
