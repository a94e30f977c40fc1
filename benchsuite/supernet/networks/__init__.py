"""Networks by the name of their space: one file each."""

from benchsuite.supernet.networks.nats_tss import NatsTss

NETWORKS = {"nats_tss": NatsTss}
