#!/usr/bin/env bash
# Editable: the environment outlives many versions of this project's code, and runs the one at hand.
set -euo pipefail
pip install --constraint envs/constraints.txt --editable '.[all]'
