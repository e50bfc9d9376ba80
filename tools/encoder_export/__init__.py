"""What tools/export_encoder.py is made of: a file for each kind of source, the export with its check, and
what is written beside it."""
