"""The token server: LiveKit's token endpoint, and the page."""
