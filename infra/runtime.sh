#!/bin/sh
# Runs a TypeScript entry point of this repository on the pinned Node and pnpm, fetched by npx, so that a
# machine needs nothing but npm. `exec` at both ends lets SIGINT and SIGTERM reach the program itself;
# --prefer-offline with exact versions keeps it from asking the registry once the packages are cached.
# The environment variable carries the arguments because npx -c takes one string.
set -eu
entry=$1
shift
RHIZOM_ENTRY=$entry
RHIZOM_ARGS=
for argument in "$@"; do
  quoted=$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")
  RHIZOM_ARGS="$RHIZOM_ARGS '$quoted'"
done
export RHIZOM_ENTRY RHIZOM_ARGS
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/.local/cache/node}"
exec npx --yes --prefer-offline -p node@22.23.3 -p pnpm@12.21.0 -c \
  'pnpm install --frozen-lockfile --prefer-offline --reporter=append-only >&2 && eval "set -- $RHIZOM_ARGS" && exec node "$RHIZOM_ENTRY" "$@"'
