"""The serial position curve of free recall: what another package gives to cogmem, by one entry point."""

from importlib.resources import files

import cogmem as cm
from cogmem_serial_position.experiment import serial_position_curve
from cogmem_serial_position.model import primacy_recency

datasets = cm.human_data.read_datasets(str(files("cogmem_serial_position") / "registry.toml"))
extras = cm.Extras(paradigms=(serial_position_curve,), models=(primacy_recency,), datasets=datasets)
