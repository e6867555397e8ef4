# The binary and nothing else: `make image` builds both. It is static, so the image needs no system under it.
FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="jetreduce" \
      org.opencontainers.image.description="MapReduce on NATS JetStream: kill anything, get the exact answer" \
      org.opencontainers.image.version="$VERSION"
# jetreduce, an empty /store for the bus, an empty /tmp for what does not fit into a worker's memory
COPY --chown=65532:65532 bin/image/ /
USER 65532:65532
ENTRYPOINT ["/jetreduce"]
# Of whichever daemon the container runs. No shell is needed.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["/jetreduce", "health"]
