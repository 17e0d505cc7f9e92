"""What the gateway costs, beside the bare upstream and beside a pass-through that promises nothing."""
