# `make demo` shows the connector at work, `make test` proves it; both provide first what is missing.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

.PHONY: help demo test
help:
	@echo 'make demo   a broker, a Polaris simulator and the connector, shown at work; Ctrl-C ends it'
	@echo 'make test   all checks and all tests, on a real broker and a real S3 server'

demo:
	@scripts/provision.sh demo
	@npm run --silent build
	@trap : INT; node scripts/demo.ts || [ $$? -eq 130 ]

test:
	@scripts/provision.sh test
	@node scripts/test-all.ts
