# `make help` lists the targets. Each target first installs what is missing.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

# Runs each lane, also after one that failed. The last lines of a long output are those that are read: they say what failed.
lanes = rm -rf .cache/failed; failed=; \
	for lane in $(1); do \
		npx --no-install vitest run --project $$lane --reporter default --reporter junit --outputFile.junit .cache/failed/$$lane.xml \
			|| failed="$$failed $$lane"; \
	done; \
	[ -z "$$failed" ] || { grep -hB1 '<failure' .cache/failed/*.xml | cut -c -500; echo "failed:$$failed"; exit 1; }

.PHONY: help demo test test-image test-kubernetes
help:
	@echo 'make demo             runs a broker, a Polaris simulator and the connector, and shows each event; Ctrl-C stops it'
	@echo 'make test             runs all checks and all tests, on a real broker and a real S3 server'
	@echo 'make test-image       tests the chart, and builds and tests the container image (the image tests need root, for podman)'
	@echo 'make test-kubernetes  applies the chart to a real API server (builds it with Go, which takes 15 minutes)'

demo:
	@scripts/provision.sh demo
	@npm run --silent build
	@trap : INT TERM; node scripts/demo.ts || [ $$? -eq 130 ]

test:
	@scripts/provision.sh test
	@npm run --silent build
	@npm run --silent check
	@$(call lanes,simulation contract e2e chaos)

test-image:
	@scripts/provision.sh image
	@$(call lanes,chart image)

test-kubernetes:
	@scripts/provision.sh kubernetes
	@npm run --silent test:kubernetes
