# syntax=docker/dockerfile:1
# The program alone, linked statically, as nobody in particular. Needs BuildKit, which every current Docker uses.
# A release pins the builder by content: --build-arg BUILDER=docker.io/library/rust:1.95.0-alpine@sha256:<digest>

ARG BUILDER=docker.io/library/rust:1.95.0-alpine

FROM ${BUILDER} AS build
# The toolchain of the image, which is rust-toolchain.toml's, without the components that only developers need.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apk add --no-cache binutils gcc musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock LICENSE ./
COPY crates crates
COPY xtask xtask
COPY tests/e2e tests/e2e
# What was downloaded and compiled stays on the builder, for each architecture, so that only what changed is built again.
ARG TARGETARCH
# The commit, for --version: --build-arg SOURCE_COMMIT=$(git rev-parse HEAD). The sources come without their history.
ARG SOURCE_COMMIT=
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,id=baton-ninja-one-target-${TARGETARCH},sharing=locked \
    cargo build --release --locked --package baton-ninja-one \
    && install -D -m 0755 target/release/baton-ninja-one /image/usr/local/bin/baton-ninja-one
# A program that asks for a loader would not start on an empty image. ConductorOne's images have the program at /, and published
# probes start it there.
RUN if readelf --program-headers /image/usr/local/bin/baton-ninja-one | grep -q INTERP; then exit 1; fi \
    && /image/usr/local/bin/baton-ninja-one --version \
    && install -D -m 0644 LICENSE /image/usr/share/licenses/baton-ninja-one/LICENSE \
    && install -d -m 1777 /image/tmp \
    && install -d -m 0755 -o 65532 -g 65532 /image/data \
    && ln -s usr/local/bin/baton-ninja-one /image/baton-ninja-one

# Empty: the certificate authorities are in the program, and there is no shell to break into.
FROM scratch
LABEL org.opencontainers.image.title="baton-ninja-one" \
      org.opencontainers.image.description="Who can do what in a NinjaOne tenant, as data" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/example/baton-ninja-one"
COPY --from=build /image/ /
# By number, because Kubernetes cannot tell from a name that it is not root.
USER 65532:65532
# Where sync.c1z goes unless told otherwise.
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/baton-ninja-one"]
