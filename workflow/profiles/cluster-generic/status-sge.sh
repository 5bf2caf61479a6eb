#!/bin/sh
# The state of a Grid Engine job as Snakemake asks for it: running, success or failed.
# qstat lists waiting and running jobs, qacct finished ones; in between, neither does.
waiting=$(qstat -u "$(id -un)" 2>/dev/null | awk -v id="$1" '$1 == id { print $5 }')
case $waiting in
  *E*) echo failed ;; # Eqw: it could not start and never will
  ?*) echo running ;;
  *)
    qacct -j "$1" 2>/dev/null | awk '
      $1 == "failed" { killed = $2 }
      $1 == "exit_status" { ended = 1; status = $2 }
      END {
        if (!ended) print "running"
        else if (killed == 0 && status == 0) print "success"
        else print "failed"
      }'
    ;;
esac
