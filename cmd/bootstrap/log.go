package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fgbootstrap/config"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// timeLayout is the one of the vendor's runtimes, in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// newLoggers makes the logger for what we have to say and the one for what the user's program
// says, which no level suppresses and which must be synced.
func newLoggers(cfg *config.Config, mask *secret.Mask, output io.Writer) (log, program *zap.Logger) {
	out := newSink(output)
	// zap would complain about a stderr that blocks on the same stderr.
	quiet := zap.ErrorOutput(zapcore.AddSync(io.Discard))
	core := func(level zapcore.Level, to zapcore.WriteSyncer) zapcore.Core {
		if cfg.LogFormat == "json" {
			return zapcore.NewCore(jsonEncoder(), to, level)
		}
		return &textCore{LevelEnabler: level, sink: to}
	}
	// What the program says is masked where it is read, with the credentials of events, too.
	printed := core(zapcore.DebugLevel, out)
	if cfg.LogFormat == "json" {
		printed = &mergingCore{Core: printed, sink: out}
	}
	return zap.New(&maskingCore{core(cfg.LogLevel, atOnce{out}), mask}, quiet), zap.New(printed, quiet)
}

func jsonEncoder() zapcore.Encoder {
	return zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message",
		EncodeTime:     zapcore.TimeEncoderOfLayout(timeLayout),
		EncodeLevel:    zapcore.CapitalLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
	})
}

// maskingCore masks a line before it is encoded: a secret may be a word that stands in every line,
// such as the name of a field.
type maskingCore struct {
	zapcore.Core
	mask *secret.Mask
}

func (c *maskingCore) With(fields []zapcore.Field) zapcore.Core {
	return &maskingCore{c.Core.With(c.masked(fields)), c.mask}
}

func (c *maskingCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *maskingCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = c.mask.String(e.Message)
	return c.Core.Write(e, c.masked(fields))
}

// requestID is the field with the id that the platform gave to an event. It is no secret.
const requestID = "requestId"

// masked returns fields with their texts masked; numbers and the like are no secrets.
func (c *maskingCore) masked(fields []zapcore.Field) []zapcore.Field {
	var out []zapcore.Field
	for i, f := range fields {
		text, found := textOf(f)
		if !found || f.Key == requestID {
			continue
		}
		if out == nil {
			out = slices.Clone(fields)
		}
		out[i] = zap.String(f.Key, c.mask.String(text))
	}
	if out == nil {
		return fields
	}
	return out
}

// textOf returns the text of a field whose value is one.
func textOf(f zapcore.Field) (text string, found bool) {
	switch f.Type {
	case zapcore.StringType:
		return f.String, true
	case zapcore.ErrorType, zapcore.StringerType:
		return fmt.Sprint(f.Interface), true // not even one that panics ends the process
	default:
		return "", false
	}
}

// textCore writes `time request-id LEVEL message field=value …`, as the vendor's
// runtimes do; "-" stands for no request id. Each line of a message of several
// lines is a line of its own, because nothing but the id ties a line to its
// invocation. Characters that could make a line look like another are escaped.
type textCore struct {
	zapcore.LevelEnabler
	sink   zapcore.WriteSyncer
	fields []zapcore.Field
}

func (c *textCore) With(fields []zapcore.Field) zapcore.Core {
	return &textCore{c.LevelEnabler, c.sink, append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

func (c *textCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *textCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	id, rest := render(c.fields, fields)
	line := e.Time.UTC().AppendFormat(make([]byte, 0, 128+len(e.Message)+len(rest)), timeLayout)
	for _, word := range []string{secret.Printable(id), e.Level.CapitalString()} {
		line = append(append(line, ' '), word...)
	}
	line = append(line, ' ')
	text := strings.TrimRight(e.Message+rest, "\n")
	prefix := len(line)
	for more := true; more; {
		var part string
		part, text, more = strings.Cut(text, "\n")
		line = append(append(line, secret.Printable(strings.TrimSuffix(part, "\r"))...), '\n')
		if more {
			line = append(line, line[:prefix]...)
		}
	}
	_, err := c.sink.Write(line)
	return err
}

func (c *textCore) Sync() error { return c.sink.Sync() }

// render takes the request id out of the fields and makes text of the others. Nearly every line
// is the program's and has only the id: logging must stay cheap, so that a program that prints
// without end does not miss its deadline.
func render(sets ...[]zapcore.Field) (id, rest string) {
	id = "-"
	for _, fields := range sets {
		for _, f := range fields {
			if f.Key == requestID {
				id = f.String
				continue
			}
			if f.Type == zapcore.SkipType {
				continue
			}
			value := zapcore.NewMapObjectEncoder()
			f.AddTo(value)
			rest += fmt.Sprintf(" %s=%v", f.Key, value.Fields[f.Key])
		}
	}
	return id, rest
}
