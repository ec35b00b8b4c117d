#!/bin/sh
# Installs what is missing, then becomes the pinned Node: `sh bin/run.sh src/main.ts all`, from the checkout.
# npm signals this shell only, so it passes on what comes while the install runs; after that there is no shell.
node bin/bootstrap.mjs &
bootstrap=$!
trap 'kill -TERM $bootstrap' INT TERM HUP
while :; do
  wait $bootstrap
  status=$?
  kill -0 $bootstrap 2>/dev/null || break
done
trap - INT TERM HUP
[ $status -eq 0 ] || exit $status
# An npm that was killed meanwhile wants nothing any more.
kill -0 $PPID 2>/dev/null || exit 1
exec node_modules/.bin/node "$@"
