package process

import (
	"fmt"
	"os"
)

// Memory is what a program has in memory, in bytes.
type Memory struct {
	Own    int64 // what no other process has: as much again for each further one
	Shared int64 // files, above all its code: there once, however many have them
}

// Memory is that of the program and of what it has started; all 0 where there is no
// telling.
func (p *Process) Memory() (all Memory) {
	page := int64(os.Getpagesize())
	for _, pid := range Processes().Under(p.PID) {
		var size, resident, shared int64
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue
		}
		if n, _ := fmt.Sscan(string(text), &size, &resident, &shared); n == 3 {
			all.Own += (resident - shared) * page
			all.Shared = max(all.Shared, shared*page)
		}
	}
	return all
}
