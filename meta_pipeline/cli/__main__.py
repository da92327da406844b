"""`python -m meta_pipeline.cli`: the command line without its script."""

from meta_pipeline.cli.main import main

main()
