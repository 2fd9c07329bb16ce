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

func TestOnlyTheWordsOfALineAreMaskedAndNotItsForm(t *testing.T) {
	mask := secret.NewMask("requestId", "message", "ERROR...", "number", "12345678", "an-id-of-ours")
	for format, want := range map[string]string{
		"text": "T an-id-of-ours INFO of **** by **** number=12345678 error=a ****\n",
		"json": `{"level":"INFO","time":"T","message":"of **** by ****","requestId":"an-id-of-ours","number":12345678,"error":"a ****"}` + "\n",
	} {
		var out bytes.Buffer
		log, _ := newLoggers(&config.Config{LogFormat: format}, mask, &out)
		log.With(zap.String("requestId", "an-id-of-ours")).Info("of requestId by message", zap.Int("number", 12345678), zap.Error(errors.New("a number")))
		got := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`).ReplaceAllString(out.String(), "T")
		if got != want {
			t.Errorf("%s: got %s", format, got)
		}
	}
}

func TestNoLineOfAProgramOrErrorLooksLikeAnother(t *testing.T) {
	var out bytes.Buffer
	log, program := newLoggers(&config.Config{}, nil, &out)
	program.Info("10 %\r2026-11-28T00:00:00.000Z - ERROR faked \x1b[31m\ta tab\u2028\u202e")
	_ = program.Sync()
	log.Error("it failed", zap.Error(errors.New("one\r\ntwo\x1b[2K\rthree")))
	got := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - `).ReplaceAllString(out.String(), "T ")
	want := `T INFO 10 %\r2026-11-28T00:00:00.000Z - ERROR faked \x1b[31m` + "\ta tab" + `\u2028\u202e` + "\n" +
		"T ERROR it failed error=one\n" + `T ERROR two\x1b[2K\rthree` + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
