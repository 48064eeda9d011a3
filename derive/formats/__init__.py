"""How it looks: one module for each output.  To add an output, add a file here and a row to `FORMATS`."""
