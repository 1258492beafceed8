# `make help` lists the targets. Each target first installs what is missing.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

.PHONY: help demo test test-image release
help:
	@echo 'make demo         runs a broker, a Polaris simulator and the connector, and shows each event; Ctrl-C stops it'
	@echo 'make test         runs all checks and all tests, on a real broker and a real S3 server'
	@echo 'make test-image   tests the chart, and builds and tests the container image (the image tests need root, for podman)'
	@echo 'make release      tests the version in package.json and packages it into dist/release'

demo:
	@scripts/provision.sh demo
	@npm run --silent build
	@trap : INT TERM; node scripts/demo.ts || [ $$? -eq 130 ]

test:
	@scripts/provision.sh test
	@node scripts/test-all.ts

test-image:
	@scripts/provision.sh image
	@node scripts/test-all.ts chart image

release:
	@scripts/provision.sh image
	@node scripts/release.ts $(RELEASE)
