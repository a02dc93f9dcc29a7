"""Which numbers may be dialled at all: call-backs and transfers go to permitted patterns only (toll fraud). Pure."""

from ari_app.model.ids import Number
from ari_app.model.patterns import fits
from ari_app.model.settings import Outbound


def is_permitted(number: Number, outbound: Outbound) -> bool:
    """Whether the whole number fits one of the patterns, and there is a trunk to dial it by."""
    return bool(outbound.trunk) and any(fits(number, pattern) for pattern in outbound.permitted)
