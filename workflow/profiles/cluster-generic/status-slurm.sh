#!/bin/sh
# The state of a Slurm job as Snakemake asks for it: running, success or failed.
# A controller that does not answer is asked again later; accounting knows what it has forgotten.
state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>/dev/null) || state=
[ -n "$state" ] || state=$(sacct --noheader --allocations --parsable2 --format=State --jobs="$1" 2>/dev/null)
case $state in
  COMPLETED) echo success ;;
  BOOT_FAIL | CANCELLED* | DEADLINE | FAILED | NODE_FAIL | OUT_OF_MEMORY | PREEMPTED | REVOKED | TIMEOUT) echo failed ;;
  *) echo running ;;
esac
