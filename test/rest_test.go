package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
)

// twice are programs that write their answer twice: the second line is there when the next
// event is, or comes a little later, and must not be its answer.
var twice = []struct {
	name, needs string
	protocol    string
	files       map[string]string
	command     string
	slow        bool // it is replaced after each event
	notRoot     bool // who is not root may not look at everything
}{
	{name: "Python", needs: "python3", files: map[string]string{"w.py": "import sys\nfor l in sys.stdin: print(l,end='',flush=True); print(l,end='',flush=True)\n"}, command: "python3 w.py"},
	{name: "Python, 0.2 ms between", needs: "python3", files: map[string]string{"w.py": "import sys,time\nfor l in sys.stdin: print(l,end='',flush=True); time.sleep(.0002); print(l,end='',flush=True)\n"}, command: "python3 w.py"},
	{name: "Python, readline", needs: "python3", files: map[string]string{"w.py": "import sys\nwhile True:\n l=sys.stdin.readline()\n if not l: break\n print(l,end='',flush=True); print(l,end='',flush=True)\n"}, command: "python3 w.py"},
	{name: "asyncio", slow: true, needs: "python3", command: "python3 w.py", files: map[string]string{"w.py": `import asyncio,sys
async def main():
    loop=asyncio.get_running_loop(); r=asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(r), sys.stdin)
    while True:
        l=(await r.readline()).decode()
        if not l: break
        print(l,end='',flush=True); await asyncio.sleep(.001); print(l,end='',flush=True)
asyncio.run(main())
`}},
	{name: "threads", needs: "python3", command: "python3 w.py", files: map[string]string{"w.py": `import sys,threading
lock=threading.Lock()
for l in sys.stdin:
    print(l,end='',flush=True)
    t=threading.Thread(target=lambda: print(l,end='',flush=True)); t.start(); t.join()
`}},
	{name: "Node, readline", slow: true, needs: "node", files: map[string]string{"w.js": "require('readline').createInterface({input:process.stdin}).on('line',l=>{console.log(l);console.log(l)})\n"}, command: "node w.js"},
	{name: "Node, for await", slow: true, needs: "node", files: map[string]string{"w.mjs": "import rl from 'readline'\nfor await (const l of rl.createInterface({input:process.stdin})) { console.log(l); console.log(l) }\n"}, command: "node w.mjs"},
	{name: "npm start", slow: true, needs: "npm", files: map[string]string{
		"package.json": `{"name":"w","version":"1.0.0","scripts":{"start":"node w.js"}}`,
		"w.js":         "require('readline').createInterface({input:process.stdin}).on('line',l=>{console.log(l);console.log(l)})\n"}, command: "npm start --silent"},
	{name: "sh", needs: "sh", command: `sh -c 'while read -r l; do echo "$l"; echo "$l"; done'`},
	{name: "sh, in the background", slow: true, needs: "sh", command: `sh -c 'while read -r l; do echo "$l"; (sleep .003; echo "$l") & done'`},
	{name: "sh, beside a zombie", needs: "sh", notRoot: true, command: `sh -c 'true & while read -r l; do echo "$l"; echo "$l"; done'`},
	{name: "sh -c python", needs: "python3", files: map[string]string{"w.py": "import sys\nfor l in sys.stdin: print(l,end='',flush=True); print(l,end='',flush=True)\n"}, command: `sh -c "python3 w.py; true"`},
	{name: "a pipeline", needs: "python3", files: map[string]string{"w.py": "import sys\nfor l in sys.stdin: print(l,end='',flush=True); print(l,end='',flush=True)\n"}, command: `sh -c "cat | python3 w.py"`},
	{name: "awk", needs: "awk", command: `awk -W interactive '{print; print; fflush()}'`},
	{name: "sed", needs: "sed", command: `sed -u p`},
	{name: "perl", needs: "perl", command: `perl -ne '$|=1; print; print'`},
	{name: "jq", needs: "jq", command: `jq -c --unbuffered '.,.'`},
	{name: "C", needs: "gcc", files: map[string]string{"w.c": "#include <stdio.h>\nint main(){char b[65536];while(fgets(b,sizeof b,stdin)){fputs(b,stdout);fflush(stdout);fputs(b,stdout);fflush(stdout);}}\n"}, command: "./w"},
	{name: "actionloop", needs: "python3", protocol: "actionloop", files: map[string]string{"w.py": "import sys,os,json\nf=os.fdopen(3,'w')\nfor l in sys.stdin:\n v=json.dumps(json.loads(l)['value'],separators=(',',':'))\n for _ in 1,2: f.write(v+'\\n'); f.flush()\n"}, command: "python3 w.py"},
}

// REST_EVENTS is how many events each program gets.
func TestNobodyGetsWhatAWorkerStillHadToWriteForTheLastEvent(t *testing.T) {
	t.Parallel()
	asked, _ := strconv.Atoi(os.Getenv("REST_EVENTS"))
	for _, row := range twice {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			testkit.Need(t, row.needs)
			events := 200
			if row.slow {
				events = 10
			}
			if asked > 0 {
				events = asked
			}
			protocol := row.protocol
			if protocol == "" {
				protocol = "lines"
			}
			var setups []setup
			for name, text := range row.files {
				setups = append(setups, file(name, text, 0o644))
			}
			setups = append(setups, timeout(20*time.Second))
			if row.notRoot && os.Getuid() == 0 {
				testkit.Need(t, "setpriv")
				setups = append(setups, startedBy(t, "exec setpriv --reuid 65534 --regid 65534 --clear-groups "), func(f *platform.Function, _ *platform.Options) {
					if err := os.Chmod(filepath.Dir(filepath.Dir(f.Dir)), 0o755); err != nil { // who is nobody may go through
						t.Error(err)
					}
				})
			}
			c := deploy(t, settings{"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": protocol, "BOOTSTRAP_COMMAND": row.command}, setups...)
			if row.name == "C" {
				if out, err := exec.Command("gcc", "-O1", "-o", filepath.Join(c.Function().Dir, "w"), filepath.Join(c.Function().Dir, "w.c")).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			foreign, failed := 0, 0
			began := time.Now()
			for i := range events {
				event := fmt.Sprintf(`{"n":%d}`, i)
				r := c.invoke(event)
				switch {
				case r.Failed:
					failed++
					if failed == 1 {
						t.Logf("event %d: %s", i, r.Payload)
					}
				case string(r.Payload) != event:
					foreign++
				}
			}
			replaced := strings.Count(c.log.String(), "and is replaced")
			t.Logf("%d events, %d foreign, %d failed, %.0f a second, replaced %d times", events, foreign, failed,
				float64(events)/time.Since(began).Seconds(), replaced)
			if !row.slow && replaced > events/10 {
				t.Errorf("it was replaced %d times: it can't be seen at rest", replaced)
			}
			if foreign > 0 || failed > 0 {
				t.Errorf("of %d callers %d got another's answer, %d an error", events, foreign, failed)
			}
		})
	}
}

// Where others take the CPU, what a worker still does in the background takes longer, and is waited for.
func TestABusyMachineHandsNobodyAnothersAnswer(t *testing.T) {
	testkit.Need(t, "taskset")
	for range 4 {
		hog := exec.Command("taskset", "-c", "0", "sh", "-c", "while :; do :; done")
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = hog.Process.Kill()
			_ = hog.Wait()
		})
	}
	c := deploy(t, settings{"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_COMMAND": `taskset -c 0 sh -c 'while read -r l; do echo "$l"; (sleep .003; echo "$l") & done'`},
		timeout(60*time.Second))
	foreign := 0
	const events = 60
	for i := range events {
		event := fmt.Sprintf(`{"n":%d}`, i)
		if got := c.answer(event); got != event {
			foreign++
		}
	}
	if foreign > 0 {
		t.Errorf("of %d callers %d got another's answer", events, foreign)
	}
}
