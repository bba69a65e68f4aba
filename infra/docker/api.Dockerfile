# The api, and the migrations it needs: `node api/src/migrate.ts` in the same image.
# Build from the root of the repository: docker build -f infra/docker/api.Dockerfile -t rhizom-api .
#
# TypeScript runs as it is (Node strips the types), so there is no build step. The workspace is copied and installed
# in place: `pnpm deploy` would copy our packages under node_modules, where Node refuses to strip types.

FROM node:22.23.3-bookworm-slim AS install
RUN npm install --global pnpm@12.21.0
WORKDIR /app
COPY package.json pnpm-workspace.yaml pnpm-lock.yaml ./
COPY machine/ machine/
COPY protocol/ protocol/
COPY process/ process/
COPY domain/ domain/
COPY api/ api/
RUN pnpm install --prod --frozen-lockfile --filter "@rhizom/api..."

FROM node:22.23.3-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
WORKDIR /app
COPY --from=install /app ./
COPY infra/docker/healthcheck.ts infra/docker/healthcheck.ts
# The user `node` of the base image, by number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "infra/docker/healthcheck.ts"]
CMD ["node", "api/src/main.ts"]
