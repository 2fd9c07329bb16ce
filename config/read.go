package config

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// read fills the settings from the merged environment. If values were refused it parses once more
// without them, so that they have their defaults and all others their values.
func (r *report) read() settings {
	s, refused := r.parse(r.vars)
	if len(refused) == 0 {
		return s
	}
	rest := maps.Clone(r.vars)
	for _, e := range refused {
		name := variable(e.Name)
		r.refuse(name, cmp.Or(r.quotedSetting(name), e.Err.Error()))
		delete(rest, name)
	}
	s, _ = r.parse(rest)
	return s
}

// quotedSetting is the cure for a value of the variable name that is refused for its quotes alone.
func (r *report) quotedSetting(name string) string {
	value := r.vars[name]
	if concealed(name) || strings.TrimSpace(value) == unquoted(value) { // in a command quotes have a meaning
		return ""
	}
	return withoutQuotes(value, func(bare string) bool {
		_, refused := (&report{}).parse(map[string]string{name: bare})
		return len(refused) == 0
	})
}

func (r *report) parse(vars map[string]string) (settings, []env.ParseError) {
	var s settings
	err := env.ParseWithOptions(&s, env.Options{Environment: vars, FuncMap: parsers()})
	if err == nil {
		return s, nil
	}
	var refused []env.ParseError
	for _, one := range flatten(err) {
		var e env.ParseError
		if !errors.As(one, &e) {
			// Only a fault in the tags of settings gets here; a test makes sure that there is
			// none.
			r.problemf("the settings can't be read: %v", one)
			continue
		}
		refused = append(refused, e)
	}
	return s, refused
}

func flatten(err error) []error {
	var all env.AggregateError
	if errors.As(err, &all) {
		return all.Errors
	}
	return []error{err}
}

// variable is the name of the variable that belongs to a field of settings.
func variable(field string) string {
	f, _ := reflect.TypeFor[settings]().FieldByName(field)
	return f.Tag.Get("env")
}
