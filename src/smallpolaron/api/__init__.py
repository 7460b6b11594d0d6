"""The public names of smallpolaron, by file; `import smallpolaron as sp` offers all of them."""
