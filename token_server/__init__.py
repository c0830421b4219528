"""Who may join which room: LiveKit's token endpoint."""
