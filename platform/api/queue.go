package api

import (
	"slices"
	"sync"
)

// queue brings events and pollers together, both first come, first served.
type queue struct {
	mu      sync.Mutex
	events  []*call
	tickets []chan *call
}

// put adds an event at the end.
func (q *queue) put(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.hand(c) {
		q.events = append(q.events, c)
	}
}

// putBack returns an event whose poller is gone; it stays the first in line.
func (q *queue) putBack(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.hand(c) {
		q.events = slices.Insert(q.events, 0, c)
	}
}

func (q *queue) hand(c *call) bool {
	if len(q.tickets) == 0 {
		return false
	}
	q.tickets[0] <- c // room for one: never blocks
	q.tickets = q.tickets[1:]
	return true
}

// ticket queues a poller; its event arrives on the channel, perhaps at once.
func (q *queue) ticket() chan *call {
	t := make(chan *call, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) > 0 {
		t <- q.events[0]
		q.events = q.events[1:]
	} else {
		q.tickets = append(q.tickets, t)
	}
	return t
}

// leave withdraws a poller. An event that was handed to it meanwhile goes to the next one.
func (q *queue) leave(t chan *call) {
	q.mu.Lock()
	q.tickets = slices.DeleteFunc(q.tickets, func(o chan *call) bool { return o == t })
	q.mu.Unlock()
	select {
	case c := <-t:
		q.putBack(c)
	default:
	}
}

// remove withdraws an event that nobody has taken yet.
func (q *queue) remove(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = slices.DeleteFunc(q.events, func(o *call) bool { return o == c })
}

// waits reports whether an event is waiting for a poller.
func (q *queue) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events) > 0
}
