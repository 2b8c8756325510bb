"""Generate, choose, perform, edit, play and approve takes."""
