"""Write a configuration for your own videos: one dataset, or two and the classes that they share.

    rev2net new mine.yaml --dataset home=videos/home --dataset away=videos/away
    rev2net plan --config mine.yaml                  # what it will cost
    snakemake results/transfer.csv --cores 8 --configfile mine.yaml

A dataset is a folder, of <class>/<videos>, or train, val and test with such folders; or one that
holds a list (a CSV file with the columns path and label, and group and split where they are known;
or lines "<path> <label>"), or the list itself; or UCF101, HMDB51 or Kinetics as published. Its name
is yours. A sample of the videos is decoded: their length and size, the amount of videos and this
machine decide on the sizes of clips, networks and trainings. Classes are taken for the same where
their names are the same words; the pairs go to mine.classes.csv, to be looked through.

Nothing is overwritten without --force. docs/your-data.md has an example.
"""

import argparse
import shlex
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "out", type=Path, metavar="OUT.yaml", help="its name is that of the results"
    )
    parser.add_argument(
        "--dataset",
        action="append",
        required=True,
        metavar="NAME=DIR",
        help="a dataset's name (a-z, 0-9, -) and folder; given twice: from one to the other",
    )
    parser.add_argument("--cores", type=int, help="to run on (default: those of this machine)")
    parser.add_argument("--gpus", type=int, help="likewise; 0 for small networks on the CPU")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def run(args: argparse.Namespace) -> None:
    from rev2net.errors import UserError, refuse_below
    from rev2net.files import write_text
    from rev2net.printing import print_report
    from rev2net.proposing.place import machine, named_folders, place_of, project_folder
    from rev2net.proposing.proposal import propose
    from rev2net.proposing.survey import survey

    project = project_folder()
    folders = named_folders(args.dataset, project)
    place = place_of(args.out, project)
    class_map = args.out.with_suffix(".classes.csv")
    for path in (args.out, class_map):
        if path.exists() and not args.force:
            raise UserError(f"{path}: is there already; give another name, or --force")
    refuse_below(args, cores=1, gpus=0)
    here = machine(args.cores, args.gpus)
    surveys = [survey(name, folder, here.cores) for name, folder in folders.items()]
    proposal = propose(surveys, here, place)
    write_text(args.out, proposal.configuration)
    if proposal.class_map is not None:
        write_text(class_map, proposal.class_map)
    print_report(proposal.report, max_rows=50)
    if proposal.remarks:
        print("to look at", *(f"  {line}" for line in proposal.remarks), "", sep="\n")
    print(f"written: {args.out}" + (f", {class_map}" if proposal.class_map is not None else ""))
    print("next:")
    if project != Path.cwd():
        print(f"  cd {shlex.quote(str(project))}")
    file, target = shlex.quote(place.file), f"results/{proposal.table}.csv"
    print(f"  rev2net plan --config {file}")
    print(f"  snakemake {target} --cores {here.cores} --configfile {file}")
