"""`hotline bench`: a hotline of its own under load, with real SIP phones. Needs the extra `phones`."""
