# One image for every node: the binary holds the web pages, the migrations and the API documents.

FROM node:24-bookworm-slim AS web
WORKDIR /build/static
COPY static/package.json static/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY static ./
RUN npm run build

FROM rust:1.95-slim-bookworm AS tools
RUN cargo install --locked cargo-chef
WORKDIR /build

# What the dependencies are: changes with the manifests, not with the sources.
FROM tools AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM tools AS build
COPY --from=recipe /build/recipe.json .
# This layer holds all compiled dependencies.
RUN cargo chef cook --release --locked --recipe-path recipe.json
COPY . .
COPY --from=web /build/static/dist static/dist
RUN cargo build --release --locked --bin riderhub

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/riderhub riderhub
COPY --from=build /build/target/release/riderhub /usr/local/bin/riderhub
USER riderhub
# An embedded store lies in ./data of this folder.
WORKDIR /var/lib/riderhub
VOLUME /var/lib/riderhub
ENV RIDERHUB_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["riderhub", "doctor", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["riderhub"]
CMD ["serve"]
