"""Search by weight sharing: networks, mixtures and one loop. Needs torch.

Read `mixture.py`, `search.py`, `methods/__init__.py`, then `networks/nats_tss.py`.
"""
