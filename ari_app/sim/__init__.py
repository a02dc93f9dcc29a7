"""The simulator: virtual time over the same distributor and, on demand, the same board. Pure, seeded."""
