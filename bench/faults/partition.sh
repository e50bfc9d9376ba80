#!/usr/bin/env bash
# Two hosts, as network namespaces on this one, whose link goes down under a running job: no packet, no reset, only silence.
# usage: partition.sh [TRIALS] [PROGRAM]; needs root, ip and mpirun. Each job must end by itself: with 4 and within 30 seconds.
set -euo pipefail
trials=${1:-5} program=$(readlink -f "${2:-build/lodestone}")
work=$(mktemp -d /tmp/lodestone-partition-XXXXXX)
a=lodestone-a b=lodestone-b

clean() {
  ip netns del $a 2>/dev/null || true
  ip netns del $b 2>/dev/null || true
  rm -rf /etc/netns/$a /etc/netns/$b "$work"
}
trap clean EXIT

ip netns add $a
ip netns add $b
ip link add lodestone0 netns $a type veth peer name lodestone1 netns $b
ip -n $a addr add 10.77.0.1/24 dev lodestone0
ip -n $b addr add 10.77.0.2/24 dev lodestone1
for space in $a $b; do
  ip -n $space link set lo up
  mkdir -p /etc/netns/$space
  printf '127.0.0.1 localhost\n10.77.0.1 %s\n10.77.0.2 %s\n' $a $b >/etc/netns/$space/hosts
done
ip -n $a link set lodestone0 up
ip -n $b link set lodestone1 up

cat >"$work/agent" <<'END'
#!/bin/sh
# What ssh does elsewhere: a command on the host of this name.
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"
END
chmod +x "$work/agent"
printf '%s slots=1\n%s slots=1\n' $a $b >"$work/hosts"
python3 - "$work" <<'END'
import pathlib, random, sys
work, numbers = pathlib.Path(sys.argv[1]), random.Random(1)
for label in range(8):
    folder = work / "pictures" / f"class{label}"
    folder.mkdir(parents=True)
    for sample in range(6):
        (folder / f"{sample}.pgm").write_bytes(b"P5 16 16 255\n" + bytes(numbers.randrange(256) for _ in range(256)))
END

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_plm_rsh_agent=$work/agent OMPI_MCA_btl=tcp,self OMPI_MCA_pml=ob1 OMPI_MCA_btl_tcp_if_include=10.77.0.0/24
export OMPI_MCA_oob_tcp_if_include=10.77.0.0/24 OMPI_MCA_orte_keep_fqdn_hostnames=1
right=0
for ((trial = 1; trial <= trials; ++trial)); do
  run=$work/run$trial
  cat >"$work/run.yaml" <<END
run_dir: $run
global_batch: 16
data: {root: $work, train: {path: pictures}, image: {width: 16, height: 16}}
sampler: {samples_per_class: 4}
encoder: {name: conv4, channels: [8, 8, 8], embedding: 8}
schedule: {steps: 1000000}
END
  ip netns exec $a unshare --uts sh -c "hostname $a; exec $program launch -n 2 --hostfile $work/hosts --max-restarts 0 \
    -- train $work/run.yaml" >"$work/log" 2>&1 &
  job=$!
  for ((i = 0; i < 600; ++i)); do
    grep -q '"step":20[,}]' "$run/metrics.jsonl" 2>/dev/null && break
    sleep 0.1
  done
  begin=$(date +%s%N) code=0
  ip -n $b link set lodestone1 down
  for ((i = 0; i < 900; ++i)); do
    kill -0 $job 2>/dev/null || break
    sleep 0.1
  done
  kill -9 $job 2>/dev/null && echo "trial $trial: the job hangs"
  wait $job || code=$?
  seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $begin) / 1e9 }")
  ip -n $b link set lodestone1 up
  echo "trial $trial: code $code after $seconds s; $(grep -o 'rank [01] is lost[^(]*' "$work/log" | sort -u | tr '\n' ';')"
  if [[ $code == 4 ]] && awk "BEGIN { exit !($seconds <= 30) }"; then right=$((right + 1)); else cat "$work/log" >&2; fi
done
echo "$right of $trials partitions ended with 4 within 30 s"
((right == trials))
