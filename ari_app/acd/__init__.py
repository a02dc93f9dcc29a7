"""The distributor: who waits, who is ready, who is offered which call. Pure."""
