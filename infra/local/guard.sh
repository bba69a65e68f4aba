#!/bin/sh
# Outlives the launcher by a moment. Reads `+pid` and `-pid` lines; when they end, because the launcher has ended in
# whatever way, it asks every process still listed to stop and kills those that do not. Each leads a group of its own.
trap '' HUP INT TERM
pids=' '
while read -r line; do
  pid=${line#?}
  case $line in
    +*) pids="$pids$pid " ;;
    -*) case $pids in *" $pid "*) pids="${pids%%" $pid "*} ${pids#*" $pid "}" ;; esac ;;
  esac
done

for pid in $pids; do kill -INT "$pid"; done 2>/dev/null
tries=0
while [ "$tries" -lt 30 ]; do
  alive=
  for pid in $pids; do
    if kill -0 "$pid" 2>/dev/null; then alive="$alive $pid"; fi
  done
  [ -n "$alive" ] || break
  sleep 0.1
  tries=$((tries + 1))
done
# The whole group, also where its leader is gone: what a part started must not stay either.
for pid in $pids; do kill -KILL "-$pid"; done 2>/dev/null
exit 0
