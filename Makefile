# `make demo` shows the connector at work, `make test` and `make test-image` prove it, `make release` packages it; each provides first what is missing.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

.PHONY: help demo test test-image release
help:
	@echo 'make demo         a broker, a Polaris simulator and the connector, shown at work; Ctrl-C ends it'
	@echo 'make test         all checks and all tests, on a real broker and a real S3 server'
	@echo 'make test-image   the chart, and the container image, built and run where root may use podman'
	@echo 'make release      tests and packages the version of package.json into dist/release'

demo:
	@scripts/provision.sh demo
	@npm run --silent build
	@trap : INT; node scripts/demo.ts || [ $$? -eq 130 ]

test:
	@scripts/provision.sh test
	@node scripts/test-all.ts

test-image:
	@scripts/provision.sh image
	@node scripts/test-all.ts chart image

release:
	@scripts/provision.sh image
	@node scripts/release.ts $(RELEASE)
