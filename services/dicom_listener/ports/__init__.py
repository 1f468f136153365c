"""What the listener's use cases need from disk, network and ledger."""
