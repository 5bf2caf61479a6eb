# The same install as `make .venv/installed` makes, as an image; docs/cluster.md says how to use it.
# Untested.
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
WORKDIR /rev2net
COPY . .
# Beside the package, git is what provenance asks for the commit.
RUN git config --system --add safe.directory /rev2net \
    && pip install --no-cache-dir --constraint envs/constraints.txt --editable '.[cluster]'
CMD ["snakemake", "--cores", "all", "results/table5.csv"]
