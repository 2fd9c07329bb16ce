package main

import (
	"path/filepath"
	"testing"
)

func TestAShareOfACPUIsAllThatThereIs(t *testing.T) {
	need(t)
	if err := sharesWork(); err != nil {
		t.Skip(err)
	}
	const work = `i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done; exec copy`
	c := candidate{command: []string{"poller_spawn", "sh", "-c", work}, inFlight: 1}
	g := group{load: load{events: 30, warmUp: 1, bytes: 100}, cpus: 1, share: 0.1}
	r, err := runOnce(t.Context(), programs, g, c)
	if err != nil {
		t.Fatal(err)
	}
	if used := r.CPU * r.Rate / 1e6; used > 0.2 {
		t.Errorf("it has used %.2f of a CPU: %+v", used, r)
	}
}

func TestACommandWithinAFolderIsTheSameCommand(t *testing.T) {
	need(t)
	folder := t.TempDir()
	const script = `[ "$1" = "a b" ] && [ "$(cat "$2")" = $$ ]`
	p, err := startProc(programs, 1, within(folder, []string{"sh", "-c", script, "sh", "a b", filepath.Join(folder, "cgroup.procs")}), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if said := p.stop(); !p.cmd.ProcessState.Success() {
		t.Errorf("%v: %s", p.cmd.ProcessState, said)
	}
}
