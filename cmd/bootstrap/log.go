package main

import (
	"fmt"
	"io"
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
	logger := func(level zapcore.Level, to zapcore.WriteSyncer) *zap.Logger {
		to = secret.Writer{Sink: to, Mask: mask}
		if cfg.LogFormat == "json" {
			return zap.New(zapcore.NewCore(jsonEncoder(), to, level), quiet)
		}
		return zap.New(&textCore{LevelEnabler: level, sink: to}, quiet)
	}
	return logger(cfg.LogLevel, atOnce{out}), logger(zapcore.DebugLevel, out)
}

func jsonEncoder() zapcore.Encoder {
	return zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message",
		EncodeTime:     zapcore.TimeEncoderOfLayout(timeLayout),
		EncodeLevel:    zapcore.CapitalLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
	})
}

// textCore writes `time request-id LEVEL message field=value …`, as the vendor's
// runtimes do; "-" stands for no request id. Each line of a message of several
// lines is a line of its own, because nothing but the id ties a line to its
// invocation.
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
	for _, word := range []string{id, e.Level.CapitalString()} {
		line = append(append(line, ' '), word...)
	}
	line = append(line, ' ')
	text := strings.TrimRight(e.Message+rest, "\n")
	if strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\n", "\n"+string(line))
	}
	_, err := c.sink.Write(append(append(line, text...), '\n'))
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
			if f.Key == "requestId" {
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
