#!/bin/sh
# The state of a PBS job as Snakemake asks for it: running, success or failed.
# -x shows finished jobs too (PBS Professional, OpenPBS; the server's job_history_enable must be on).
qstat -x -f "$1" 2>/dev/null | awk -F ' = ' '
  $1 ~ /job_state$/ { state = $2 }
  $1 ~ /Exit_status$/ { status = $2 }
  END {
    if (state != "F") print "running"  # also where the server does not answer: asked again later
    else if (status == "0") print "success"
    else print "failed"
  }'
