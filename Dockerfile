# Both base images are pinned by tag and digest: NODE_IMAGE builds the connector and provides Node; RUNTIME_IMAGE, which
# has neither a shell nor a package manager, runs it. The build runs on the builder's architecture and gives the same
# files on each; the rest is of the target's. Buildah 1.28 needs TARGETPLATFORM: without it, it takes BUILDPLATFORM there.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN node scripts/image-files.ts /image

FROM --platform=$TARGETPLATFORM ${NODE_IMAGE} AS node

FROM --platform=$TARGETPLATFORM ${RUNTIME_IMAGE} AS runtime
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/LICENSE /licenses/node/LICENSE
ENV NODE_ENV=production
USER 65532:65532

# A Polaris simulator with invented clients, for compose.yaml only; never published.
FROM runtime AS simulator
COPY test/polaris /app/polaris
EXPOSE 3443
HEALTHCHECK --interval=5s --timeout=5s CMD ["node", "-e", "await fetch('http://127.0.0.1:3443/')"]
ENTRYPOINT ["node", "/app/polaris/command.ts", "--host", "0.0.0.0"]

FROM runtime AS connector
COPY --from=build /image /
WORKDIR /app
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["node", "/app/health-check.js"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run"]
# A release adds the labels version and revision.
LABEL org.opencontainers.image.title="Polaris clients connector" \
      org.opencontainers.image.description="Streams every client modified in a Polaris retail back office to Kafka, exactly once, with its checkpoint in S3" \
      org.opencontainers.image.licenses="Apache-2.0"
