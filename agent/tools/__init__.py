"""What tools are made of: the call that they may act on, results of any type, tools that block, time zones."""
