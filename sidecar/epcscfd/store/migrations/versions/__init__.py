"""One module per step. A step runs with the code before it still up: it adds, it never takes."""
