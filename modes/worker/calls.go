package worker

import (
	"bytes"
	"slices"
	"sync"
)

// calls are the events in flight in a multiplexed worker, by their ids.
type calls struct {
	mu       sync.Mutex
	byID     map[string]*call // nil once the worker has ended
	disowned []string
}

// add makes an event known before the worker can answer it. It is false if the worker has
// ended.
func (c *calls) add(one *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		return false
	}
	c.byID[one.id] = one
	return true
}

// remove takes out the event with this id; nil if there is none.
func (c *calls) remove(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeOut(id)
}

// takeOut is remove; c.mu is held.
func (c *calls) takeOut(id string) *call {
	one := c.byID[id]
	if one != nil {
		delete(c.byID, id)
		one.visit.Leave()
	}
	return one
}

// end takes all out: the worker does not write any more, and none is added.
func (c *calls) end() (all []*call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.byID {
		all = append(all, c.takeOut(id))
	}
	c.byID = nil
	return all
}

func (c *calls) find(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id]
}

// only takes out the event in flight, if it is the only one.
func (c *calls) only() *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byID) != 1 {
		return nil
	}
	for id := range c.byID {
		return c.takeOut(id)
	}
	return nil
}

// named takes out the events in flight whose ids occur in text. They may be
// several: of two messages that a program mixed up, both are lost.
func (c *calls) named(text []byte) (found []*call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.byID {
		if id != "" && bytes.Contains(text, []byte(id)) {
			found = append(found, c.takeOut(id))
			c.disown(id)
		}
	}
	return found
}

// mostDisowned is how many ids are remembered of events that were ended by a bad line.
const mostDisowned = 64

// disown remembers an event that we have ended while the program may go on about it;
// c.mu is held.
func (c *calls) disown(id string) {
	c.disowned = append(c.disowned[max(0, len(c.disowned)-mostDisowned+1):], id)
}

// isDisowned tells whether text is about such an event.
func (c *calls) isDisowned(text []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.disowned, func(id string) bool { return bytes.Contains(text, []byte(id)) })
}
