"""The shop as people use it: real Chromium on a whole running stack."""
