# The image of Athanor's roles, for docker-compose.yml. The Temporal server has an image of its own.
FROM node:20-bookworm AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./
COPY api/openapi.json /src/api/openapi.json
RUN npm run build

FROM golang:1.26-bookworm AS binary
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=page /src/web/dist web/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /athanor ./cmd/athanor

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=binary /athanor /usr/local/bin/athanor
ENTRYPOINT ["/usr/local/bin/athanor"]
