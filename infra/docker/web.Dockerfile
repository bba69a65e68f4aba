# The web client: built by Vite, served by nginx, which also passes /v1 to the api and /v1/sync to the gateways.
# Build from the root of the repository: docker build -f infra/docker/web.Dockerfile -t rhizom-web .
#
# The page and the sockets share one origin this way, so neither process has to allow another one.

FROM node:22.23.3-bookworm-slim AS build
RUN npm install --global pnpm@12.21.0
WORKDIR /app
COPY package.json pnpm-workspace.yaml pnpm-lock.yaml tsconfig.base.json ./
COPY machine/ machine/
COPY protocol/ protocol/
COPY domain/ domain/
COPY client/ client/
COPY web/ web/
RUN pnpm install --frozen-lockfile --filter "@rhizom/web..."
RUN pnpm --filter "@rhizom/web" exec vite build

FROM nginxinc/nginx-unprivileged:1.28-bookworm
# The image's entry point fills templates from the environment and, where asked to, finds the name servers.
ENV NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1 PORT=8082 API_UPSTREAM=api:8080 GATEWAY_UPSTREAM=gateway:8081 MAX_BODY_SIZE=1088k
COPY infra/docker/nginx.conf.template /etc/nginx/templates/default.conf.template
COPY --from=build /app/web/dist/ /usr/share/nginx/html/
# The user `nginx` of the base image, by number, so that Kubernetes can tell that it is not root.
USER 101:101
EXPOSE 8082
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8082/healthz"]
CMD ["nginx", "-g", "daemon off;"]
