#!/bin/sh
# Runs a TypeScript entry point of this repository on the pinned Node and pnpm, fetched by npx, so that a
# machine needs nothing but npm. `exec` at both ends lets SIGINT and SIGTERM reach the program itself;
# --prefer-offline with exact versions keeps it from asking the registry once the packages are cached.
# The environment variable carries the arguments because npx -c takes one string.
set -eu
node=22.23.3
pnpm=12.21.0

entry=$1
shift
RHIZOM_ENTRY=$entry
RHIZOM_ARGS=
for argument in "$@"; do
  quoted=$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")
  RHIZOM_ARGS="$RHIZOM_ARGS '$quoted'"
done
export RHIZOM_ENTRY RHIZOM_ARGS
# Closed to others from the first moment: it will hold secrets, and tests keep theirs in it as well.
{ mkdir -p .local && chmod go= .local; } 2>/dev/null || :
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/.local/cache/node}"
# A first start is silent for a while otherwise. Output of the tools goes to stderr, that of the program to stdout.
if [ ! -d node_modules/.pnpm ]; then
  echo "Fetching Node $node, pnpm $pnpm and the packages of this repository (first time only, about a minute)" >&2
fi
# Where the home cannot be written to, or root has left folders in it, npm and pnpm get one of our own.
home_is_ours() {
  [ -n "${HOME:-}" ] && [ -w "$HOME" ] || return 1
  for folder in .npm .npm/_npx .npm/_cacache .cache .cache/pnpm .config .local .local/share .local/share/pnpm .local/state; do
    [ ! -e "$HOME/$folder" ] || [ -w "$HOME/$folder" ] || return 1
  done
}
if ! home_is_ours; then
  HOME="$PWD/.local/cache/home"
  mkdir -p "$HOME"
  export HOME
  unset npm_config_cache XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME || :
fi
# Nothing to install, nothing to ask: the lockfile that was installed is the one of the repository.
RHIZOM_INSTALL='pnpm install --frozen-lockfile --prefer-offline --reporter=append-only >&2'
if cmp -s pnpm-lock.yaml node_modules/.pnpm/lock.yaml; then
  RHIZOM_INSTALL='pnpm install --frozen-lockfile --prefer-offline --silent >&2'
fi
export RHIZOM_INSTALL
exec npx --yes --prefer-offline -p "node@$node" -p "pnpm@$pnpm" -c \
  'eval "$RHIZOM_INSTALL" && eval "set -- $RHIZOM_ARGS" && exec node "$RHIZOM_ENTRY" "$@"'
