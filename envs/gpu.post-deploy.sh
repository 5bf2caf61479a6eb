#!/usr/bin/env bash
set -euo pipefail
pip install --constraint envs/constraints.txt .
