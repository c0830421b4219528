"""`python -m agent.gemini`: Gemini from the command line, without a call."""

import sys

from agent.gemini.commands import main

if __name__ == "__main__":
    sys.exit(main())
