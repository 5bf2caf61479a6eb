"""From scores files to the paper's tables: tidy CSV, Markdown, LaTeX."""
