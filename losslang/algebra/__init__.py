"""Equal forms of the same mathematics: rewriting of the typed graph by tables of identities."""
