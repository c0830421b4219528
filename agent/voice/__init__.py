"""What the caller hears and reads: captions at the pace of the voice, and the worker's own recorded sentences."""
