"""What Personalize's recipes are on this machine: one sequence model over items, and popularity.

Nothing here knows of AWS, of the server or of sockets: files in, files out (see `training`).
"""
