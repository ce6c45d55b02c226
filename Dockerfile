# The image of Steward: `docker build --tag steward:local .` compiles it; of programs that are there already
# `deploy/images/make.sh target/release` makes it.
FROM debian:bookworm-slim AS base
# A new volume that is mounted there belongs to the account from its beginning (docker-compose.yml, NATS).
RUN install --directory --owner=65532 --group=65532 --mode=700 /data /data-2 /data-3
USER 65532:65532

FROM base AS programs
COPY steward steward-support steward-hr steward-workforce steward-contracts /usr/local/bin/

FROM rust:1.95-bookworm AS build
WORKDIR /steward
COPY . .
RUN cargo build --profile dist --locked --bins

FROM base
COPY --from=build \
    /steward/target/dist/steward \
    /steward/target/dist/steward-support \
    /steward/target/dist/steward-hr \
    /steward/target/dist/steward-workforce \
    /steward/target/dist/steward-contracts \
    /usr/local/bin/
