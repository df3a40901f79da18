"""People's data: shipped tables of means and counts, and the trials behind them, with where they come from."""

from cogmem.human_data.fetching import check, fetch
from cogmem.human_data.loading import load, load_trials
from cogmem.human_data.registry import DATASETS, Dataset, RemoteFile, Table, read_datasets

__all__ = ["DATASETS", "Dataset", "RemoteFile", "Table", "check", "fetch", "load", "load_trials", "read_datasets"]
