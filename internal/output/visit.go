package output

import "time"

// Visit is an event in a program that may have others at the same time.
type Visit struct {
	log     *Log
	id      string
	crowded bool // it was not alone all the time
}

// Enter says that the program is about to get an event. If it has no other, what it
// printed before is forgotten.
func (l *Log) Enter(id string) *Visit {
	v := &Visit{log: l, id: id}
	l.mu.Lock()
	first := len(l.visits) == 0
	v.crowded = !first
	for other := range l.visits {
		other.crowded = true
	}
	l.visits[v] = true
	if !first {
		l.attribute()
	}
	l.mu.Unlock()
	if first {
		l.Forget(l.unread()) // before: what is read here is about the last one
		l.mu.Lock()
		l.attribute()
		l.mu.Unlock()
	}
	return v
}

// Leave says that the program is done with the event.
func (v *Visit) Leave() {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	delete(v.log.visits, v)
	v.log.attribute()
}

// attribute ties the following lines to the event in progress if there is only one and they can't
// be about another: a line is read some time after it was printed.
func (l *Log) attribute() {
	if len(l.visits) == 0 { // what comes soon is about the last one
		l.left.Store(time.Now().UnixNano())
		return
	}
	l.left.Store(0)
	l.event.Store(nil)
	for v := range l.visits {
		if !v.crowded {
			l.event.Store(&v.id)
		}
	}
}

// Shared reports whether the program had another event at the same time: its output may be about
// that one.
func (v *Visit) Shared() bool {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	return v.crowded
}

// Tail returns the last lines that the program printed, if they can only be about this event.
func (v *Visit) Tail() []string {
	if v.Shared() {
		return nil
	}
	return v.log.Tail()
}
