#!/usr/bin/env bash
# Trains on the hosts of a hostfile by Open MPI 4, under `lodestone launch`: a lost host or rank costs a
# restart from the newest checkpoint, on the hosts that are left.
# usage: train.sh HOSTFILE ARGUMENTS OF `lodestone train`...
# HOSTFILE: Open MPI's, lines like "node1 slots=8"
#
#   RANKS          ranks in all                                         (default: the slots of all hosts)
#   MIN_RANKS      go on as long as the hosts that answer can run these (default: RANKS, so that all hosts are
#                  waited for)
#   MAX_RESTARTS   starts after a failure                               (default 100)
#   INTERFACE      network device, alike on all hosts, or subnet, that carries what ranks send  (default: all
#                  but loopback)
#   BIND           what a rank and its threads are bound to: core, l3cache, numa, socket, none  (default none)
#   KILL_TIMEOUT   seconds between TERM and KILL for ranks of a job that has failed: for their flight records;
#                  a restart waits for them, so this is no time to save in                      (default 2)
#   SSH            how hosts are reached        (default ssh -o BatchMode=yes -o ConnectTimeout=5)
#   LODESTONE      the program, at the same path on all hosts           (default: that of PATH)
#
# TERM, INT or USR1 to this process: all ranks save the same step, exit code 75; the same command resumes from
# there, on all hosts that answer then. Exit codes are those of docs/errors.md.
set -euo pipefail
(($# >= 2)) || { sed -n '2,17s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
hostfile=$1
shift

program=$(command -v "${LODESTONE:-lodestone}") ||
  { echo "train.sh: there is no program ${LODESTONE:-lodestone}" >&2; exit 2; }

export OMPI_MCA_plm_rsh_agent=${SSH:-ssh -o BatchMode=yes -o ConnectTimeout=5}
# A stop goes to the ranks as USR1, which mpirun passes on and waits: it needs no timeout.
export OMPI_MCA_odls_base_sigkill_timeout=${KILL_TIMEOUT:-2}
export OMPI_MCA_hwloc_base_binding_policy=${BIND:-none}
export OMPI_MCA_orte_keep_fqdn_hostnames=1 # as the hostfile spells them
if [[ -n ${INTERFACE:-} ]]; then
  export OMPI_MCA_btl_tcp_if_include=$INTERFACE OMPI_MCA_oob_tcp_if_include=$INTERFACE
  # NCCL takes a device's name, not a subnet.
  [[ $INTERFACE == */* ]] || export NCCL_SOCKET_IFNAME=$INTERFACE
fi

exec "$program" launch ${RANKS:+-n "$RANKS"} ${MIN_RANKS:+--min-ranks "$MIN_RANKS"} --max-restarts \
  "${MAX_RESTARTS:-100}" \
  --hostfile "$hostfile" -- train "$@"
