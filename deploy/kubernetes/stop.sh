#!/bin/sh
# preStop of a worker: asks the ranks of this pod to save and stop, and waits for them: stop.sh SECONDS
# USR1 is the run's signal to save the step it is at, on all ranks of all workers alike; each then ends with
# 75. Without this the kubelet's TERM would end sshd, process 1 here, and with it the ranks, unsaved.
pkill -USR1 -x lodestone || exit 0 # no rank here
left=$1
while [ "$left" -gt 0 ] && pgrep -x lodestone >/dev/null; do
  sleep 1
  left=$((left - 1))
done
