package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"fgbootstrap/config"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
)

func TestEachLineOfAMessageStandsWithTimeAndRequestID(t *testing.T) {
	var out bytes.Buffer
	log, program := newLoggers(&config.Config{LogLevel: zap.InfoLevel}, secret.NewMask("hidden"), &out)
	log.Debug("not shown")
	log.Warn("one", zap.Int("n", 1), zap.Error(errors.New("two\nof hidden lines")))
	program.Debug("shown", zap.String("requestId", "id"))
	_ = program.Sync()
	log.With(zap.String("requestId", "id")).Error("three\n")
	got := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `).ReplaceAllString(out.String(), "T ")
	want := "T - WARN one n=1 error=two\nT - WARN of **** lines\nT id DEBUG shown\nT id ERROR three\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestAFieldThatIsNoneLeavesNoTrace(t *testing.T) {
	for format, want := range map[string]string{"text": " - WARN late\n", "json": `,"message":"late"}` + "\n"} {
		var out bytes.Buffer
		log, _ := newLoggers(&config.Config{LogFormat: format}, secret.NewMask(), &out)
		log.With(zap.Skip()).Warn("late", zap.Error(nil))
		if !strings.HasSuffix(out.String(), want) || strings.Contains(out.String(), "nil") {
			t.Errorf("%s: got %s", format, &out)
		}
	}
}
