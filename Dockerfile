# The binary and nothing else: `make image` builds both. It is static, so the image needs no system under it.
FROM scratch
# jetreduce, an empty /store for the bus, an empty /tmp for what does not fit into a worker's memory
COPY --chown=65532:65532 bin/image/ /
USER 65532:65532
ENTRYPOINT ["/jetreduce"]
