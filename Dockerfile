FROM node:24-trixie-slim AS app
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json rolldown.config.ts ./
COPY src src
RUN npm run build

FROM debian:trixie-slim
# GNU tar, acl and attr carry everything a file has; zstd and age are the codecs.
RUN apt-get -qq update && \
    apt-get -qq install -y --no-install-recommends acl age attr ca-certificates tar tzdata zstd && \
    rm -rf /var/lib/apt/lists/*
# Whoever Davit runs as reads them, whatever the umask was where this was cloned.
COPY --from=app --chmod=755 /usr/local/bin/node /usr/local/bin/node
COPY --from=app --chmod=644 /app/package.json /app/package.json
COPY --from=app --chmod=755 /app/dist /app/dist
# Compiled once here, so that every start is shorter: workers start often.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache
RUN printf '#!/bin/sh\nexec node --max-semi-space-size=2 --initial-old-space-size=48 --heap-growing-percent=20 --disable-warning=DEP0169 /app/dist/main.js "$@"\n' >/usr/local/bin/davit && chmod +x /usr/local/bin/davit && \
    for chunk in /app/dist/*-*.js; do node --max-semi-space-size=2 --import "$chunk" --eval 0; done && davit --help >/dev/null
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --start-interval=1s CMD ["davit", "health"]
ENTRYPOINT ["davit"]
