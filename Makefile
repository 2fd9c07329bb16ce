# Two commands: `make demo` shows it at work, `make test` proves it. Both need Go,
# make, sh, coreutils, sed, grep and awk; what else a test needs, it says.

VERSION := 0.1.0
GOTOOL  := go tool -modfile=tools/go.mod

# Static, without paths, symbols or build ids: the same source and Go version
# give the same bytes.
export CGO_ENABLED := 0
LDFLAGS := -s -w -buildid= -X main.version=$(VERSION)
BUILD   := go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

# Nobody wants a download of another Go that he has not asked for.
export GOTOOLCHAIN ?= local

# The race detector is the one thing that needs a C compiler.
RACE := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

.PHONY: build demo test soak lint bench bench-quick plot clean enough-go

build demo test soak lint bench bench-quick plot: enough-go

enough-go:
	@need=$$(sed -n 's/^go //p' go.mod); here=$$(command -v go >/dev/null && go version); \
	version=$$(echo "$$here" | sed -n 's/.*go\([0-9][0-9.]*\).*/\1/p'); \
	if [ -z "$$here" ]; then \
		echo "This needs Go $$need or later, and there is no go on the PATH." >&2; exit 1; \
	elif [ "$$(printf '%s\n' "$$need" "$$version" | sort -V | head -n 1)" != "$$need" ]; then \
		echo "This needs Go $$need or later, and here is $$here." >&2; exit 1; \
	fi

build:
	$(BUILD) -o bin/ ./cmd/bootstrap ./cmd/fgdev
	$(BUILD) -o examples/pipe-go/handler ./examples/pipe-go
	$(BUILD) -o examples/http-go/handler ./examples/http-go

demo: build
	@sh examples/demo.sh

# ./test is named first because it takes longest: all others have passed by its end.
test:
	@test -n "$(RACE)" || echo "There is no C compiler here, so the race detector is off."
	@test -n "$(RACE)" || test "$$CI" != true
	@mkdir -p bin && rm -f bin/test.json
	go build -o bin/testrun ./internal/testrun
	CGO_ENABLED=$(if $(RACE),1,0) bin/testrun bin/test.json \
		$(GOTOOL) gotestsum --format pkgname --hide-summary skipped --jsonfile bin/test.json -- \
		$(RACE) -timeout 12m -parallel 4 ./test ./...

# Ten times as many events as `make test` has: does a slow leak show?
soak:
	SOAK_EVENTS=20000 go test -count 1 -v -timeout 30m -run TestManyEventsLeaveNothingBehind ./test

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	GOOS=darwin go build -o /dev/null ./cmd/fgdev
	GOOS=windows go build -o /dev/null ./cmd/fgdev
	$(GOTOOL) staticcheck ./...
	$(GOTOOL) errcheck -exclude tools/errcheck.txt ./...
	$(GOTOOL) go-errorlint ./...

# What a claim about speed quotes, half an hour; and whether it all still works.
bench:
	@mkdir -p bin
	go run ./bench -json bin/bench.json -markdown bin/bench.md

bench-quick:
	go run ./bench -quick

# What the last bench gave, as a picture.
plot:
	@test -f bin/bench.json || { echo "There are no results to draw: make bench first."; exit 1; }
	cd bench/plot && go run . ../../bin/bench.json ../../docs/performance.svg

clean:
	rm -rf bin examples/pipe-go/handler examples/http-go/handler
