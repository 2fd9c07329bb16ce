package main

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/config"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// timeLayout is the one of the vendor's runtimes, in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// newLoggers makes the logger for what we have to say and the one for what the
// user's program says, which no level holds back.
func newLoggers(cfg *config.Config, mask *adapter.Mask, output io.Writer) (log, program *zap.Logger) {
	sink := zapcore.Lock(zapcore.AddSync(maskedWriter{output, mask}))
	core := func(level zapcore.Level) zapcore.Core {
		if cfg.LogFormat == "json" {
			return zapcore.NewCore(jsonEncoder(), sink, level)
		}
		return &textCore{LevelEnabler: level, sink: sink}
	}
	return zap.New(core(cfg.LogLevel)), zap.New(core(zapcore.DebugLevel))
}

func jsonEncoder() zapcore.Encoder {
	return zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message",
		EncodeTime:     zapcore.TimeEncoderOfLayout(timeLayout),
		EncodeLevel:    zapcore.CapitalLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
	})
}

// maskedWriter is the last place where a secret can be kept out of the log.
type maskedWriter struct {
	w    io.Writer
	mask *adapter.Mask
}

func (m maskedWriter) Write(line []byte) (int, error) {
	if _, err := m.w.Write(m.mask.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
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
	id, rest := c.render(fields)
	prefix := fmt.Sprintf("%s %s %s ", e.Time.UTC().Format(timeLayout), id, e.Level.CapitalString())
	text := strings.ReplaceAll(strings.TrimRight(e.Message+rest, "\n"), "\n", "\n"+prefix)
	_, err := c.sink.Write([]byte(prefix + text + "\n"))
	return err
}

func (c *textCore) Sync() error { return c.sink.Sync() }

// render takes the request id out of the fields and makes text of the others.
func (c *textCore) render(fields []zapcore.Field) (id, rest string) {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range c.fields {
		f.AddTo(values)
	}
	for _, f := range fields {
		f.AddTo(values)
	}
	id = "-"
	var parts []string
	for key, value := range values.Fields {
		if key == "requestId" {
			id = fmt.Sprint(value)
		} else {
			parts = append(parts, fmt.Sprintf(" %s=%v", key, value))
		}
	}
	sort.Strings(parts)
	return id, strings.Join(parts, "")
}
