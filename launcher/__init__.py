"""What `./attn` does: environment, servers, commands. Standard library only."""
