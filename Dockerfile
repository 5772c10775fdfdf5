# One image, three programs: /source, /sink and /planhatctl. No shell, no
# package manager, no root.
#
#   docker build -t planhat-bridge .                       compile in the image
#   docker build -t planhat-bridge --target prebuilt .     take bin/image/ as built by `make image PREBUILT=1`
#
# The second form pulls nothing, so it works without an image registry.
ARG GO_IMAGE=golang:1.26-bookworm

# What both forms share.
FROM scratch AS base
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="planhat-bridge" \
      org.opencontainers.image.description="Planhat to and from Kafka: change events out, commands in" \
      org.opencontainers.image.source="https://github.com/planhat-bridge/planhat-bridge" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
# Health, readiness, metrics, status.
EXPOSE 9102 8080
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT []
CMD ["/source"]

FROM base AS prebuilt
COPY bin/image/ /

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X github.com/planhat-bridge/planhat-bridge/internal/ops.version=${VERSION}" \
      -o /out/ ./cmd/source ./cmd/sink ./cmd/planhatctl \
 && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM base AS image
COPY --from=build /out/ /
