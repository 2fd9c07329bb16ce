package config_test

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestTheProgramGetsDefaultsOnlyWhereNothingIsSet(t *testing.T) {
	c := mustLoad(t, vars{"HOME": "/home/me", "PYTHONUNBUFFERED": "", "LANG": "de_DE.UTF-8", "PWD": "/stale"})
	for name, want := range map[string]string{"HOME": "/home/me", "PYTHONUNBUFFERED": "", "LANG": "de_DE.UTF-8", "PWD": c.Dir} {
		if got, there := valueOf(c, name); !there || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, there, want)
		}
	}
	c = mustLoad(t, vars{"LC_ALL": "C"})
	if got, there := valueOf(c, "LANG"); there {
		t.Errorf("LANG is %q beside LC_ALL", got)
	}
}

func TestTheLastOfEqualNamesWinsAndJunkIsIgnored(t *testing.T) {
	root := t.TempDir()
	env := []string{"A=1", "junk", "=C:=C:\\", "A=2=3", "", "EMPTY="}
	c, problems := loadEnviron(t, env, filepath.Join(root, "bootstrap"))
	want := []string{"A=2=3", "EMPTY=", "HOME=/tmp", "LANG=C.UTF-8", "PWD=" + root, "PYTHONNOUSERSITE=1", "PYTHONUNBUFFERED=1"}
	if len(problems) > 0 || !slices.Equal(c.Env, want) {
		t.Errorf("problems %q, environment %q, want %q", problems, c.Env, want)
	}
}

func TestTheContextOfABootstrapAboveIsNotHandedOn(t *testing.T) {
	c := mustLoad(t, vars{"BOOTSTRAP_CONTEXT_FILE": "/proc/1/fd/7"})
	if _, there := valueOf(c, "BOOTSTRAP_CONTEXT_FILE"); there || len(c.Warnings) > 0 {
		t.Errorf("handed on: %v, warnings %q", there, c.Warnings)
	}
}

func TestNothingIsReadBehindTheCallersBack(t *testing.T) {
	t.Setenv("BOOTSTRAP_MODE", "http")
	if c := mustLoad(t, nil); c.Mode != "pipe" {
		t.Errorf("mode is %s, from the environment of the test", c.Mode)
	}
}

func TestTheAddressOfTheRuntimeAPIIsNotHandedOn(t *testing.T) {
	c := mustLoad(t, vars{"RUNTIME_API_ADDR": "127.0.0.1:9000", "RUNTIME_TIMEOUT": "3"})
	if got, there := valueOf(c, "RUNTIME_API_ADDR"); there || c.APIAddr != "127.0.0.1:9000" {
		t.Errorf("handed on: %q, ours is %q", got, c.APIAddr)
	}
	if got, _ := valueOf(c, "RUNTIME_TIMEOUT"); got != "3" {
		t.Errorf("the timeout is %q", got)
	}
}

func TestPythonImportsNothingFromAHomeThatIsOurs(t *testing.T) {
	for _, row := range []struct {
		set  vars
		want string
	}{
		{vars{}, "1"}, {vars{"PYTHONNOUSERSITE": ""}, ""}, {vars{"HOME": "/home/me"}, ""}, {vars{"HOME": "/tmp"}, ""},
	} {
		if got, _ := valueOf(mustLoad(t, row.set), "PYTHONNOUSERSITE"); got != row.want {
			t.Errorf("%v: got %q", row.set, got)
		}
	}
}
