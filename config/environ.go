package config

import (
	"maps"
	"slices"
	"strings"
)

// programEnv is the environment of the user's program: vars plus what programs expect and the
// platform does not set. It does not change vars.
func programEnv(vars map[string]string, dir string) []string {
	all := maps.Clone(vars)
	delete(all, contextFile) // it belongs to a bootstrap above us; an old context is worse than none
	delete(all, apiAddress)  // only we talk to the platform
	if _, set := all["HOME"]; !set {
		all["HOME"] = "/tmp"
		orElse(all, "PYTHONNOUSERSITE", "1") // else what any event leaves in /tmp/.local is imported from then on
	}
	orElse(all, "PYTHONUNBUFFERED", "1") // else a program that is killed takes its last output with it
	if !hasLocale(all) {
		orElse(all, "LANG", "C.UTF-8")
	}
	all["PWD"] = dir
	env := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}

func orElse(vars map[string]string, name, value string) {
	if _, set := vars[name]; !set {
		vars[name] = value
	}
}

func hasLocale(vars map[string]string) bool {
	for name := range vars {
		if strings.HasPrefix(name, "LC_") {
			return true
		}
	}
	return false
}
