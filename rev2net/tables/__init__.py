"""From scores files to tables, the paper's and one's own: tidy CSV, Markdown, LaTeX."""
