"""The main job in one command: the crew fine-tunes a model and proves whether it got better.

Here stands what the command takes; `run_demo.py` does it.
"""

import argparse
import sys

from backend.samples import REQUESTS, TINY

_EXAMPLES = """examples:
  make demo
  make demo MODEL=Qwen/Qwen3-0.6B DATASET=faq.jsonl GOAL="Answer customers like our support team"
  make demo ARGS=--shuffle-labels       (self-test: must end "not better")
  make demo RESUME=20261120-093000-a1b2
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the job and return the exit code: 0 a verdict, 1 refused, 2 misused, 130 stopped."""
    try:
        given = _given(arguments)
        # Imported here: it takes half a second, in which Ctrl-C must already be understood.
        from backend.run_demo import run_demo
    except KeyboardInterrupt:
        sys.stdout.write("Stopped before anything was begun.\n")
        return 130
    return run_demo(given)


def _given(arguments: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    given = parser.parse_args(arguments)
    changed = [name for name, value in vars(given).items() if value != parser.get_default(name)]
    if given.resume is not None and len(changed) > 1:
        parser.error("--resume goes on with a run as it was begun: give it alone.")
    return given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backend.demo",
        description="Let the crew fine-tune a model on a dataset and prove whether it got better.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", default=TINY, help=f"local name, folder or Hub id (default: {TINY})"
    )
    parser.add_argument(
        "--dataset",
        default=REQUESTS,
        help="JSONL, JSON, CSV or Parquet file, folder, or Hub id (default: the bundled sample)",
    )
    parser.add_argument("--goal", help="what the tuned model is for")
    parser.add_argument("--config", help="configuration of a Hub dataset")
    parser.add_argument("--split", default="train", help="split of a Hub dataset (default: train)")
    parser.add_argument("--revision", help="branch, tag or commit of a Hub dataset")
    parser.add_argument("--seed", type=int, default=42, help="of the training (default: 42)")
    parser.add_argument(
        "--shuffle-labels",
        action="store_true",
        help="self-test: train on answers dealt to the wrong rows; must end 'not better'",
    )
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    return parser


if __name__ == "__main__":
    sys.exit(main())
